import Foundation

/// Rotary position embedding (Su et al. 2021): the angle a position of one adds to each pair of channels.
public struct RotaryEmbedding: Sendable, Equatable {
    /// Radians a position, one for each pair of rotated channels; a head's channels past twice their number are left
    /// alone.
    public let frequencies: [Float]

    /// Reads `rope_parameters` (transformers 5), or `rope_theta`, `rope_scaling` and the older names.
    init(
        _ reader: ConfigurationReader, _ family: ModelConfiguration.Family, headDimension: Int
    ) throws(ModelError) {
        let parameters = try reader.object("rope_parameters") ?? .init(url: reader.url, values: [:])
        let scaling = parameters.values.isEmpty ? try reader.object("rope_scaling") : parameters
        let older = try reader.number("rope_theta", "rotary_emb_base", in: 1...1e12, default: 10_000)
        let theta = try parameters.number("rope_theta", in: 1...1e12, default: older)
        let olderFraction = try reader.number(
            "rotary_pct", "partial_rotary_factor", in: 0...1, default: family == .gptNeoX ? 0.25 : 1)
        let fraction = try parameters.number("partial_rotary_factor", in: 0...1, default: olderFraction)
        let rotated = Int(Double(headDimension) * fraction)
        guard rotated > 0, rotated <= headDimension, rotated.isMultiple(of: 2) else {
            throw ModelError(
                reader.url,
                "\(rotated) of \(headDimension) channels of a head would be rotated; an even number is needed")
        }
        // In float32 throughout, as the reference computes them.
        let base = Float(theta)
        let plain = stride(from: 0, to: rotated, by: 2).map { 1 / pow(base, Float($0) / Float(rotated)) }
        frequencies = try Self.scaled(plain, by: scaling)
    }

    private static func scaled(_ plain: [Float], by reader: ConfigurationReader?) throws(ModelError) -> [Float] {
        guard let reader else { return plain }
        switch try reader.string("rope_type", "type", default: "default") {
        case "default": return plain
        case "linear":
            let factor = try Float(reader.number("factor", in: 1...1e6))
            return plain.map { $0 / factor }
        case "llama3": return try llama3(plain, reader)
        case let other:
            throw reader.error(
                "rope_type", "is \(other), which is not supported; supported are default, linear, llama3")
        }
    }

    /// Llama 3's stretch: long waves by the factor, short ones not at all, those between by an interpolation.
    private static func llama3(_ plain: [Float], _ reader: ConfigurationReader) throws(ModelError) -> [Float] {
        let factor = try Float(reader.number("factor", in: 1...1e6))
        let low = try Float(reader.number("low_freq_factor", in: 1e-3...1e6))
        let high = try Float(reader.number("high_freq_factor", in: 1e-3...1e6))
        guard low < high else { throw reader.error("low_freq_factor", "must be less than high_freq_factor") }
        let context = try Float(reader.integer("original_max_position_embeddings", in: 1...1 << 28))
        return plain.map { frequency in
            let wavelength = 2 * Float.pi / frequency
            if wavelength > context / low { return frequency / factor }
            if wavelength < context / high { return frequency }
            let smooth = (context / wavelength - low) / (high - low)
            return (1 - smooth) * frequency / factor + smooth * frequency
        }
    }
}
