/// Llama 2 and 3, and what has their layers, such as SmolLM2.
package enum Llama: ModelFamily {
    package static let modelType = "llama"
    package static let architectures = ModelArchitectures(prefix: "Llama")

    /// The names that most families of separate projections have.
    package static let names = ParameterNames(
        base: "model.", embedding: "embed_tokens.weight", layers: "layers", finalNorm: "norm", head: "lm_head.weight",
        attentionNorm: "input_layernorm", feedForwardNorm: "post_attention_layernorm", query: "self_attn.q_proj",
        key: "self_attn.k_proj", value: "self_attn.v_proj", queryNorm: "self_attn.q_norm", keyNorm: "self_attn.k_norm",
        attentionOutput: "self_attn.o_proj", gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try reader.llamaLike(maximumPositions: 2048) { (layer) throws(ModelError) in
            let bias = try reader.bool("attention_bias", default: false)
            (layer.attention.inputBias, layer.attention.outputBias) = (bias, bias)
            layer.feedForward.hasBias = try reader.bool("mlp_bias", default: false)
        }
    }
}

extension ModelFileReader {
    /// A decoder of equal layers with RMS norms, separate projections, grouped heads, a gated feed-forward network and
    /// rotary positions, as Llama's configuration class and those of its relatives read it.
    ///
    /// - Parameters:
    ///   - names: of its parameters.
    ///   - maximumPositions: the context where `max_position_embeddings` is missing.
    ///   - channels: of a head where `head_dim` is missing; `nil` for an equal part of the width.
    ///   - sliding: which layers see only the last tokens.
    ///   - adjust: reads what makes a layer differ from one without biases.
    package func llamaLike(
        names: ParameterNames = Llama.names, maximumPositions: Int, channels: Int? = nil,
        sliding: SlidingLayers = .never,
        adjust: (inout LayerSpecification) throws(ModelError) -> Void
    ) throws(ModelError) -> DecoderSpecification {
        let vocabularySize = try vocabularySize()
        let width = try integer("hidden_size", in: 1...1 << 17)
        let count = try integer("num_hidden_layers", in: 1...1024)
        let heads = try integer("num_attention_heads", in: 1...4096)
        let positions = try integer("max_position_embeddings", in: 1...1 << 28, default: maximumPositions)
        let inner = try integer("intermediate_size", in: 1...1 << 20)
        let keyValueHeads = try integer("num_key_value_heads", in: 1...4096, default: heads)
        guard heads % keyValueHeads == 0 else {
            throw error(
                "num_key_value_heads", "is \(keyValueHeads), which does not divide num_attention_heads, \(heads)")
        }
        let channels = try integer("head_dim", in: 1...4096, default: channels ?? width / heads)
        guard channels > 0 else { throw notDividing("num_attention_heads", heads, width) }

        let norm = DecoderSpecification.Norm(
            kind: .rootMeanSquare, epsilon: try number("rms_norm_eps", in: 0...1, default: 1e-6))
        let activation = try activation("hidden_act", default: "silu")
        let tiesEmbeddings = try bool("tie_word_embeddings", default: false)
        var layer = LayerSpecification(
            attention: .init(heads: heads, keyValueHeads: keyValueHeads, channels: channels, projection: .separate),
            feedForward: .init(width: inner, isGated: true, activation: activation), norm: norm)
        try adjust(&layer)
        try refuseQuantization()
        layer.attention.rotary = try RotaryEmbedding(self, channels: channels)
        layer.attention.window = try slidingWindow(sliding, layers: count)
        return DecoderSpecification(
            vocabularySize: vocabularySize, width: width, layers: Array(repeating: layer, count: count),
            maximumPositions: positions, finalNorm: norm, tiesEmbeddings: tiesEmbeddings, names: names)
    }
}
