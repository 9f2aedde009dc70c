import Foundation

/// Rotary position embedding (Su et al. 2021): the angle a position of one adds to each pair of channels.
public struct RotaryEmbedding: Sendable, Equatable {
    /// Radians a position, one for each pair of rotated channels; a head's channels past twice their number are left
    /// alone.
    public let frequencies: [Float]
    /// What cosines and sines are multiplied with.
    public let factor: Float
    /// What sequences have in place of them that are longer than some context; `nil` where all have the same.
    package let stretch: LengthStretch?

    /// Reads what ``RotarySettings`` says of heads of so many channels.
    ///
    /// - Parameters:
    ///   - thetaKey: the key of the base where no block says it.
    ///   - defaultTheta: the base where no key says it.
    ///   - part: how a part of the channels is asked for; `nil` for families that always rotate all.
    package init(
        _ reader: ModelFileReader, channels: Int, thetaKey: String = "rope_theta", defaultTheta: Double = 10_000,
        part: RotaryPart? = nil
    ) throws(ModelError) {
        var settings = try RotarySettings(
            reader, thetaKey: thetaKey, defaultTheta: defaultTheta, part: part)
        let rotated = Int(Double(channels) * settings.fraction)
        guard rotated > 0, rotated <= channels, rotated.isMultiple(of: 2) else {
            throw ModelError(
                reader.url,
                "\(rotated) of \(channels) channels of a head would be rotated; an even number is needed")
        }
        settings.pairs = rotated / 2
        // In float32 throughout, as the reference computes them.
        let base = Float(settings.theta)
        let plain = stride(from: 0, to: rotated, by: 2).map { 1 / pow(base, Float($0) / Float(rotated)) }
        (frequencies, factor, stretch) = try Self.stretched(plain, by: settings)
    }

    /// The frequencies of a sequence of so many tokens.
    package func frequencies(ofLength length: Int) -> [Float] {
        stretch.flatMap { length > $0.context ? $0.frequencies(ofLength: length) : nil } ?? frequencies
    }

    private typealias Stretched = (frequencies: [Float], factor: Float, stretch: LengthStretch?)

    private static func stretched(_ plain: [Float], by settings: RotarySettings) throws(ModelError) -> Stretched {
        let type = try settings.type()
        switch type {
        case "default": return (plain, 1, nil)
        case "linear":
            let factor = try Float(settings.block.number("factor", in: 1...1e6))
            return (plain.map { $0 / factor }, 1, nil)
        case "llama3": return (try llama3(plain, settings), 1, nil)
        case "yarn":
            let yarn = try YarnStretch(settings)
            return (yarn.frequencies(plain), yarn.factor, nil)
        case "dynamic":
            return (plain, 1, try .dynamic(settings))
        case "longrope", "su":
            let stretch = try LongStretch(settings, pairs: plain.count)
            return (stretch.short, stretch.factor, LengthStretch(context: stretch.context, rule: .listed(stretch.long)))
        default:
            throw settings.block.error(
                "rope_type",
                "is \(type), which is not supported; supported are default, dynamic, linear, llama3, longrope, yarn")
        }
    }

    /// Llama 3's stretch: long waves by the factor, short ones not at all, those between by an interpolation.
    private static func llama3(_ plain: [Float], _ settings: RotarySettings) throws(ModelError) -> [Float] {
        let reader = settings.block
        let factor = try Float(reader.number("factor", in: 1...1e6))
        let low = try Float(reader.number("low_freq_factor", in: 1e-3...1e6))
        let high = try Float(reader.number("high_freq_factor", in: 1e-3...1e6))
        guard low < high else { throw reader.error("low_freq_factor", "must be less than high_freq_factor") }
        let positions = try settings.requiredOriginalPositions(default: nil)
        let context = Float(positions)
        return plain.map { frequency in
            let wavelength = 2 * Float.pi / frequency
            if wavelength > context / low { return frequency / factor }
            if wavelength < context / high { return frequency }
            let smooth = (context / wavelength - low) / (high - low)
            return (1 - smooth) * frequency / factor + smooth * frequency
        }
    }
}
