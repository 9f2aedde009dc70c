import JSON

/// gpt-oss: Mistral's layers with biases, of which every other has a window; heads with sinks, and clamped networks of which
/// each row goes through four.
package enum GPTOSS: ModelFamily {
    package static let modelType = "gpt_oss"
    package static let architectures = ModelArchitectures(prefix: "GptOss")

    private static let names = ParameterNames(
        base: "model.", embedding: "embed_tokens.weight", layers: "layers", finalNorm: "norm", head: "lm_head.weight",
        attentionNorm: "input_layernorm", feedForwardNorm: "post_attention_layernorm", query: "self_attn.q_proj",
        key: "self_attn.k_proj", value: "self_attn.v_proj", sinks: "self_attn.sinks",
        attentionOutput: "self_attn.o_proj", up: "", down: "",
        experts: ExpertNames(
            router: "mlp.router", experts: "mlp.experts",
            parts: FeedForwardNames(gate: "", up: "gate_up_proj", down: "down_proj")))

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let reader = reader.stretchingAsReleased()
        var experts = try reader.experts(
            count: reader.integer("num_local_experts", "num_experts", in: 1...4096, default: 128), perToken: 4,
            normalizes: true)
        (experts.routerBias, experts.isFused) = (true, true)
        let activation = LayerSpecification.Activation.clampedSwish(
            slope: try reader.number("swiglu_alpha", in: 1e-3...1e3, default: 1.702),
            limit: try reader.number("swiglu_limit", in: 1e-3...1e6, default: 7))
        return try reader.llamaLike(
            .init(maximumPositions: 131_072, keyValueHeads: 8, channels: 64, epsilon: 1e-5, theta: 150_000),
            names: names, sliding: .listed(window: 128) { $0.isMultiple(of: 2) }
        ) { (layer) throws(ModelError) in
            try layer.readBiases(reader, standard: true)
            layer.attention.hasSinks = true
            layer.feedForward.halves = .interleaved
            layer.feedForward.activation = activation
            layer.feedForward.hasBias = true
            layer.feedForward.experts = experts
        }
    }
}

extension ModelFileReader {
    /// With the positions that the configuration class takes where the file says none.
    fileprivate func stretchingAsReleased() -> ModelFileReader {
        guard !has("rope_parameters"), !has("rope_scaling") else { return self }
        var values = values
        values["rope_parameters"] = .object(
            JSONObject(uniqueKeysWithValues: [
                ("rope_type", .string("yarn")), ("factor", .number(32)), ("truncate", .bool(false)),
                ("original_max_position_embeddings", .number(4096)),
            ]))
        return ModelFileReader(url: url, values: values)
    }
}
