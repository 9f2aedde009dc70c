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
        try reader.llamaLike(.init(maximumPositions: 2048)) { (layer) throws(ModelError) in
            try layer.readBiases(reader)
            layer.feedForward.hasBias = try reader.bool("mlp_bias", default: false)
        }
    }
}
