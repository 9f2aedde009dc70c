/// GPT-NeoX and Pythia: layer norms, one interleaved projection, attention and feed-forward network side by side, and a
/// part of each head's channels rotated.
package enum GPTNeoX: ModelFamily {
    package static let modelType = "gpt_neox"
    package static let architectures = ModelArchitectures(prefix: "GPTNeoX")

    private static let names = ParameterNames(
        base: "gpt_neox.", embedding: "embed_in.weight", layers: "layers", finalNorm: "final_layer_norm",
        head: "embed_out.weight", attentionNorm: "input_layernorm", feedForwardNorm: "post_attention_layernorm",
        fused: "attention.query_key_value", attentionOutput: "attention.dense", up: "mlp.dense_h_to_4h",
        down: "mlp.dense_4h_to_h")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let vocabularySize = try reader.vocabularySize()
        let width = try reader.integer("hidden_size", in: 1...1 << 17)
        let count = try reader.integer("num_hidden_layers", in: 1...1024)
        let heads = try reader.integer("num_attention_heads", in: 1...4096)
        let positions = try reader.integer("max_position_embeddings", in: 1...1 << 28, default: 2048)
        let inner = try reader.integer("intermediate_size", in: 1...1 << 20)
        guard width % heads == 0 else { throw reader.notDividing("num_attention_heads", heads, width) }
        let channels = width / heads
        guard try reader.integer("head_dim", in: 1...4096, default: channels) == channels else {
            throw reader.error(
                "head_dim", "must be \(channels), hidden_size / num_attention_heads, for a gpt_neox model; remove it")
        }

        let norm = DecoderSpecification.Norm(
            kind: .layer, epsilon: try reader.number("layer_norm_eps", in: 0...1, default: 1e-5))
        let activation = try reader.activation("hidden_act", default: "gelu")
        let tiesEmbeddings = try reader.bool("tie_word_embeddings", default: false)
        let bias = try reader.bool("attention_bias", default: true)
        var layer = LayerSpecification(
            attention: .init(
                heads: heads, keyValueHeads: heads, channels: channels, projection: .interleaved, inputBias: bias,
                outputBias: bias),
            feedForward: .init(width: inner, isGated: false, activation: activation, hasBias: true), norm: norm)
        layer.isParallel = try reader.bool("use_parallel_residual", default: true)
        try reader.refuseQuantization()
        layer.attention.rotary = try RotaryEmbedding(
            reader, channels: channels, thetaKey: "rotary_emb_base", part: RotaryPart(key: "rotary_pct", standard: 0.25)
        )
        _ = try reader.windows(.never, layers: count)
        return DecoderSpecification(
            vocabularySize: vocabularySize, width: width, layers: Array(repeating: layer, count: count),
            maximumPositions: positions, finalNorm: norm, tiesEmbeddings: tiesEmbeddings, names: names)
    }
}
