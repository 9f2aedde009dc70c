import JSON

/// SmolLM3: Llama's layers, of which every fourth does not rotate.
package enum SmolLM3: ModelFamily {
    package static let modelType = "smollm3"
    package static let architectures = ModelArchitectures(prefix: "SmolLM3")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let count = try reader.integer("num_hidden_layers", in: 1...1024)
        let rotates = try rotatingLayers(reader, count)
        let slides = try reader.bool("use_sliding_window", default: false) && reader.has("sliding_window")
        var specification = try reader.llamaLike(
            .init(maximumPositions: 32768, keyValueHeads: 4, tiesEmbeddings: true, theta: 2_000_000),
            sliding: slides ? .listed { !rotates[$0] } : .never
        ) { (layer) throws(ModelError) in
            try layer.readBiases(reader)
            layer.feedForward.hasBias = try reader.bool("mlp_bias", default: false)
        }
        for index in rotates.indices where !rotates[index] { specification.layers[index].attention.rotary = nil }
        return specification
    }

    /// Which layers rotate: those with a 1 in `no_rope_layers`, or all but every so manieth.
    private static func rotatingLayers(_ reader: ModelFileReader, _ count: Int) throws(ModelError) -> [Bool] {
        let interval = try reader.integer("no_rope_layer_interval", in: 1...1024, default: 4)
        guard reader.has("no_rope_layers") else { return (0..<count).map { !($0 + 1).isMultiple(of: interval) } }
        guard case .array(let items)? = reader.values["no_rope_layers"], items.count == count else {
            throw reader.error("no_rope_layers", "must list a 0 or a 1 for each of the \(count) layers")
        }
        return items.map { $0.integer != 0 }
    }
}
