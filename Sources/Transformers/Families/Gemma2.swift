/// Gemma 2: Gemma's layers with norms around attention and feed-forward network, scores and logits that are capped, and every
/// other layer with a window.
package enum Gemma2: ModelFamily {
    package static let modelType = "gemma2"
    package static let architectures = ModelArchitectures(prefix: "Gemma2")

    package static let names = ParameterNames(
        base: "model.", embedding: "embed_tokens.weight", layers: "layers", finalNorm: "norm", head: "lm_head.weight",
        attentionNorm: "input_layernorm", feedForwardNorm: "pre_feedforward_layernorm",
        attentionPostNorm: "post_attention_layernorm", feedForwardPostNorm: "post_feedforward_layernorm",
        query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj", queryNorm: "self_attn.q_norm",
        keyNorm: "self_attn.k_norm", attentionOutput: "self_attn.o_proj", gate: "mlp.gate_proj", up: "mlp.up_proj",
        down: "mlp.down_proj")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let defaults = LlamaDefaults(maximumPositions: 8192, keyValueHeads: 4)
        var specification = try reader.gemma(
            defaults, names: names, sliding: .listed { $0.isMultiple(of: 2) }
        ) { (layer) throws(ModelError) in
            layer.normPlacement = .around
            layer.attention.scale = try reader.queryScale()
            layer.attention.scoreCap = try reader.cap("attn_logit_softcapping", default: 50)
        }
        specification.logitCap = try reader.cap("final_logit_softcapping", default: 30)
        return specification
    }
}

extension ModelFileReader {
    /// What `query_pre_attn_scalar` makes of products of queries and keys.
    func queryScale() throws(ModelError) -> Double {
        1 / (try number("query_pre_attn_scalar", in: 1e-6...1e6, default: 256)).squareRoot()
    }

    /// A cap; `nil` where the key is null.
    func cap(_ key: String, default fallback: Double?) throws(ModelError) -> Double? {
        if values[key] == .null || (values[key] == nil && fallback == nil) { return nil }
        return try number(key, in: 1e-6...1e6, default: fallback)
    }
}
