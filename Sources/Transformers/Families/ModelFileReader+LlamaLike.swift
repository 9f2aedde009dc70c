/// What a configuration class takes for keys that a file leaves out, where classes differ.
package struct LlamaDefaults: Sendable {
    /// `max_position_embeddings`.
    var maximumPositions: Int
    /// `num_key_value_heads`; `nil` for as many as there are query heads.
    var keyValueHeads: Int?
    /// `head_dim`; `nil` for an equal part of the width.
    var channels: Int?
    /// `rms_norm_eps`.
    var epsilon = 1e-6
    /// The key of the activation, and what it is.
    var activation = (key: "hidden_act", name: "silu")
    /// `tie_word_embeddings`.
    var tiesEmbeddings = false
    /// `rope_theta`.
    var theta = 10_000.0
    /// How a part of the channels is rotated, of families that may.
    var rotaryPart: RotaryPart?
}

extension ModelFileReader {
    /// A decoder of equal layers with RMS norms, separate projections, grouped heads, a gated feed-forward network and
    /// rotary positions, as Llama's configuration class and those of its relatives read it.
    ///
    /// - Parameters:
    ///   - defaults: for keys that are missing.
    ///   - names: of its parameters.
    ///   - sliding: which layers see only the last tokens.
    ///   - adjust: reads what makes a layer differ from one without biases; what it sets of `rotary` stays.
    package func llamaLike(
        _ defaults: LlamaDefaults, names: ParameterNames = Llama.names, sliding: SlidingLayers = .never,
        adjust: (inout LayerSpecification) throws(ModelError) -> Void
    ) throws(ModelError) -> DecoderSpecification {
        let vocabularySize = try vocabularySize()
        let width = try integer("hidden_size", in: 1...1 << 17)
        let count = try integer("num_hidden_layers", in: 1...1024)
        let heads = try integer("num_attention_heads", in: 1...4096)
        let positions = try integer("max_position_embeddings", in: 1...1 << 28, default: defaults.maximumPositions)
        let inner = try integer("intermediate_size", in: 1...1 << 20)
        let keyValueHeads = try integer("num_key_value_heads", in: 1...4096, default: defaults.keyValueHeads ?? heads)
        guard heads % keyValueHeads == 0 else {
            throw error(
                "num_key_value_heads", "is \(keyValueHeads), which does not divide num_attention_heads, \(heads)")
        }
        let channels = try integer("head_dim", in: 1...4096, default: defaults.channels ?? width / heads)
        guard channels > 0 else { throw notDividing("num_attention_heads", heads, width) }

        let norm = DecoderSpecification.Norm(
            kind: .rootMeanSquare, epsilon: try number("rms_norm_eps", in: 0...1, default: defaults.epsilon))
        let activation = try activation(defaults.activation.key, default: defaults.activation.name)
        let tiesEmbeddings = try bool("tie_word_embeddings", default: defaults.tiesEmbeddings)
        var layer = LayerSpecification(
            attention: .init(heads: heads, keyValueHeads: keyValueHeads, channels: channels, projection: .separate),
            feedForward: .init(width: inner, isGated: true, activation: activation), norm: norm)
        try adjust(&layer)
        try refuseQuantization()
        if layer.attention.rotary == nil {
            layer.attention.rotary = try RotaryEmbedding(
                self, channels: channels, defaultTheta: defaults.theta, part: defaults.rotaryPart)
        }
        let layers = try windows(sliding, layers: count).map { window in
            var layer = layer
            layer.attention.window = window
            return layer
        }
        return DecoderSpecification(
            vocabularySize: vocabularySize, width: width, layers: layers, maximumPositions: positions,
            finalNorm: layer.norm, tiesEmbeddings: tiesEmbeddings, names: names)
    }
}

extension LayerSpecification {
    /// Gives the projections around attention the biases that `attention_bias` says; where the key is missing, those of `standard`.
    mutating func readBiases(_ reader: ModelFileReader, standard: Bool = false) throws(ModelError) {
        let bias = try reader.bool("attention_bias", default: standard)
        (attention.inputBias, attention.outputBias) = (bias, bias)
    }
}
