/// Granite 3: Llama's layers with four multipliers.
package enum Granite: ModelFamily {
    package static let modelType = "granite"
    package static let architectures = ModelArchitectures(prefix: "Granite")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        func multiplier(_ key: String) throws(ModelError) -> Double {
            try reader.number(key, in: 1e-6...1e6, default: 1)
        }
        var specification = try reader.llamaLike(.init(maximumPositions: 2048)) { (layer) throws(ModelError) in
            try layer.readBiases(reader)
            layer.feedForward.hasBias = try reader.bool("mlp_bias", default: false)
            layer.attention.scale = try multiplier("attention_multiplier")
            layer.residualScale = try multiplier("residual_multiplier")
        }
        specification.embeddingScale = try multiplier("embedding_multiplier")
        specification.logitDivisor = try multiplier("logits_scaling")
        return specification
    }
}
