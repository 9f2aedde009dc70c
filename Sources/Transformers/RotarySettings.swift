import Foundation
import JSON

/// What a `config.json` says of rotary positions, wherever it says it.
///
/// The places are read as transformers 5 does: a `rope_scaling` stands in the place of the whole `rope_parameters`, which
/// stands before the keys beside it, such as `rope_theta`. What would be passed over that way, and says something else, is
/// refused.
struct RotarySettings {
    /// The base of the angles.
    let theta: Double
    /// The part of a head's channels that is rotated.
    let fraction: Double
    /// The block that counts; empty where there is none.
    let block: ModelFileReader
    /// The context of before the stretch that a type asks for, where a key beside the blocks says it.
    let originalPositions: Int?
    /// The context that the model is for.
    let maximumPositions: Int
    /// Pairs of channels that are rotated.
    var pairs = 0

    private let reader: ModelFileReader
    private let name: String

    /// As ``RotaryEmbedding/init(_:channels:thetaKey:defaultFraction:)``.
    init(
        _ reader: ModelFileReader, thetaKey: String, defaultTheta: Double, part: RotaryPart?
    ) throws(ModelError) {
        let parameters = try Self.block("rope_parameters", reader)
        let scaling = try Self.block("rope_scaling", reader)
        self.reader = reader
        name = scaling == nil ? "rope_parameters" : "rope_scaling"
        block = scaling ?? parameters ?? ModelFileReader(url: reader.url, values: JSONObject())
        let hasBlock = !block.values.isEmpty

        let outerTheta = try reader.number(thetaKey, in: Self.thetas, default: defaultTheta)
        theta = try block.number("rope_theta", in: Self.thetas, default: outerTheta)
        if let part {
            let outer = try reader.number(part.key, in: 0...1, default: part.standard)
            fraction = try block.number("partial_rotary_factor", in: 0...1, default: outer)
        } else {
            fraction = 1
        }
        originalPositions =
            reader.has("original_max_position_embeddings")
            ? try reader.integer("original_max_position_embeddings", in: 1...1 << 28) : nil

        maximumPositions = try reader.integer("max_position_embeddings", in: 1...1 << 28, default: 1 << 28)

        let sources = [(reader, ""), (parameters, "rope_parameters."), (scaling, "rope_scaling.")]
        for (source, prefix) in sources {
            guard let source else { continue }
            for key in ["rope_theta", "rotary_emb_base"] where source.has(key) {
                try agree(
                    "\(prefix)\(key)", try source.number(key, in: Self.thetas), with: theta,
                    from: hasBlock ? "\(name).rope_theta" : thetaKey)
            }
            for key in ["partial_rotary_factor", "rotary_pct"] where source.has(key) {
                let value = try source.number(key, in: 0...1)
                guard part != nil || value == fraction else {
                    throw reader.error(
                        prefix + key,
                        "is \(value), but a \(try reader.modelType()) model rotates all channels of its heads; remove it"
                    )
                }
                try agree(
                    prefix + key, value, with: fraction,
                    from: hasBlock ? "\(name).partial_rotary_factor" : part?.key ?? key)
            }
        }
        if let parameters, let scaling { try agree(parameters, scaling) }
    }

    /// The kind of stretch.
    func type() throws(ModelError) -> String {
        let type = try block.string("rope_type", "type", default: "default")
        if case .string(let other)? = block.values["type"], other != type {
            throw reader.error("\(name).type", "is \(other), but its rope_type is \(type); leave one of them")
        }
        if type == "default", block.has("factor"), try block.number("factor", in: 0...1e6) != 1 {
            throw reader.error(
                "\(name).factor", "has no effect with rope_type default; write the type that is meant, or remove factor"
            )
        }
        return type
    }

    /// The context of before the stretch; the key may stand in the block or beside it, and must say the same in both places.
    func requiredOriginalPositions(default fallback: Int?) throws(ModelError) -> Int {
        let key = "original_max_position_embeddings"
        let positions = try block.integer(key, in: 1...1 << 28, default: originalPositions ?? fallback)
        if let originalPositions, originalPositions != positions {
            throw block.error(
                key, "is \(positions) there and \(originalPositions) beside it; leave the one that is meant")
        }
        return positions
    }

    private static let thetas: ClosedRange<Double> = 1...1e12

    /// A block that is there and not empty.
    private static func block(_ key: String, _ reader: ModelFileReader) throws(ModelError) -> ModelFileReader? {
        guard let block = try reader.object(key), !block.values.isEmpty else { return nil }
        for entry in block.values.sorted.entries {
            if case .object = entry.value {
                throw reader.error(
                    "\(key).\(entry.key)",
                    "is an object; a \(try reader.modelType()) model has the same positions in all its layers")
            }
        }
        return block
    }

    private func agree(_ key: String, _ value: Double, with used: Double, from source: String) throws(ModelError) {
        guard value != used else { return }
        throw reader.error(
            key,
            "is \(value), but \(source) makes it \(used), which counts; remove the former, or write it as the latter")
    }

    /// Checks that nothing is lost with the `rope_parameters` that `rope_scaling` stands for.
    private func agree(_ parameters: ModelFileReader, _ scaling: ModelFileReader) throws(ModelError) {
        let type = try parameters.string("rope_type", "type", default: "default")
        guard type != "default" || parameters.has("factor") else { return }
        let isSame = try type == scaling.string("rope_type", "type", default: "default")
        let skipped: Set = ["rope_type", "type", "rope_theta", "partial_rotary_factor"]
        let lost = parameters.values.keys.sorted().first { key in
            !skipped.contains(key) && parameters.has(key)
                && !(parameters.values[key]?.isSameNumber(as: scaling.values[key]) ?? true)
        }
        guard isSame, lost == nil else {
            throw reader.error(
                "rope_parameters",
                "and rope_scaling ask for different positions"
                    + (lost.map { isSame ? " (\($0))" : "" } ?? "") + "; leave the one that is meant")
        }
    }
}

/// How a family says which part of a head's channels is rotated.
package struct RotaryPart: Sendable {
    /// The key, beside the block of rotary positions.
    var key: String
    /// The part where no key says it.
    var standard: Double
}

extension ModelFileReader {
    /// Whether a key is there and not null.
    package func has(_ key: String) -> Bool { values[key].map { $0 != .null } ?? false }
}

extension JSON {
    /// Whether both are the same, `4` and `4.0` among them.
    fileprivate func isSameNumber(as other: JSON?) -> Bool {
        guard let left = double, let right = other?.double, (integer == nil) != (other?.integer == nil) else {
            return self == other
        }
        return left == right
    }
}
