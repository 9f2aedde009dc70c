/// GPT-2: layer norms, a table of positions, one concatenated projection, and matrices that lie `[in, out]`.
package enum GPT2: ModelFamily {
    package static let modelType = "gpt2"
    package static let architectures = ModelArchitectures(prefix: "GPT2", languageModel: "LMHeadModel")

    private static let names = ParameterNames(
        base: "transformer.", embedding: "wte.weight", positions: "wpe.weight", layers: "h", finalNorm: "ln_f",
        head: "lm_head.weight", attentionNorm: "ln_1", feedForwardNorm: "ln_2", fused: "attn.c_attn",
        attentionOutput: "attn.c_proj", up: "mlp.c_fc", down: "mlp.c_proj")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let vocabularySize = try reader.vocabularySize()
        let width = try reader.integer("n_embd", in: 1...1 << 17)
        let count = try reader.integer("n_layer", in: 1...1024)
        let heads = try reader.integer("n_head", in: 1...4096)
        let positions = try reader.integer("n_positions", in: 1...1 << 28, default: 1024)
        let inner = try reader.integer("n_inner", in: 1...1 << 20, default: 4 * width)
        guard width % heads == 0 else { throw reader.notDividing("n_head", heads, width) }

        let norm = DecoderSpecification.Norm(
            kind: .layer, epsilon: try reader.number("layer_norm_epsilon", in: 0...1, default: 1e-5))
        let activation = try reader.activation("activation_function", default: "gelu_new")
        let tiesEmbeddings = try reader.bool("tie_word_embeddings", default: true)
        try refuseVariants(reader)
        _ = try reader.windows(.never, layers: count)
        let layer = LayerSpecification(
            attention: .init(
                heads: heads, keyValueHeads: heads, channels: width / heads, projection: .concatenated,
                inputBias: true, outputBias: true),
            feedForward: .init(width: inner, isGated: false, activation: activation, hasBias: true), norm: norm)
        return DecoderSpecification(
            vocabularySize: vocabularySize, width: width, layers: Array(repeating: layer, count: count),
            maximumPositions: positions, positionTable: positions, finalNorm: norm, tiesEmbeddings: tiesEmbeddings,
            names: names)
    }

    private static func refuseVariants(_ reader: ModelFileReader) throws(ModelError) {
        try reader.refuseQuantization()
        for (key, supported) in [
            ("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false), ("add_cross_attention", false),
        ] where try reader.bool(key, default: supported) != supported {
            throw reader.error(key, "must be \(supported); the other is not supported")
        }
        // transformers reads these as other names of the same values.
        for (name, key) in [
            ("hidden_size", "n_embd"), ("num_hidden_layers", "n_layer"), ("num_attention_heads", "n_head"),
            ("max_position_embeddings", "n_positions"),
        ] where reader.has(name) && reader.values[name] != reader.values[key] {
            throw reader.error(name, "is another name of \(key) in a gpt2 model, but not the same; keep only \(key)")
        }
    }
}
