/// Gemma 3's language model: Gemma 2's layers with normalised queries and keys in place of caps, five of six with a window, and
/// positions that rotate otherwise in those.
package enum Gemma3: ModelFamily {
    package static let modelType = "gemma3_text"
    package static let architectures = ModelArchitectures(
        languageModel: "Gemma3ForCausalLM", score: "Gemma3TextForSequenceClassification")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let pattern = try reader.integer("sliding_window_pattern", in: 1...1024, default: 6)
        let defaults = LlamaDefaults(maximumPositions: 131_072, keyValueHeads: 4)
        var specification = try reader.gemma(
            defaults, names: Gemma2.names, sliding: .listed { !($0 + 1).isMultiple(of: pattern) }
        ) { (layer) throws(ModelError) in
            layer.normPlacement = .around
            layer.attention.headNorm = .each
            layer.attention.scale = try reader.queryScale()
            layer.attention.scoreCap = try reader.cap("attn_logit_softcapping", default: nil)
            layer.attention.rotary = try reader.rotary(
                ofLayers: "full_attention", channels: layer.attention.channels, theta: 1_000_000)
        }
        specification.logitCap = try reader.cap("final_logit_softcapping", default: nil)
        try specification.rotateSlidingLayers(
            by: reader, theta: reader.number("rope_local_base_freq", in: 1...1e12, default: 10_000))
        return specification
    }
}

extension DecoderSpecification {
    /// Gives layers with a window the positions that `rope_parameters` has for them.
    mutating func rotateSlidingLayers(by reader: ModelFileReader, theta: Double) throws(ModelError) {
        for index in layers.indices where layers[index].attention.window != nil {
            layers[index].attention.rotary = try reader.rotary(
                ofLayers: "sliding_attention", channels: layers[index].attention.channels, theta: theta)
        }
    }
}
