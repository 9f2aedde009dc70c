/// Phi-3, 3.5 and 4: Llama's layers with queries, keys and values in one matrix, and both halves of the gated network in another.
package enum Phi3: ModelFamily {
    package static let modelType = "phi3"
    package static let architectures = ModelArchitectures(prefix: "Phi3")

    private static let names = ParameterNames(
        base: "model.", embedding: "embed_tokens.weight", layers: "layers", finalNorm: "norm", head: "lm_head.weight",
        attentionNorm: "input_layernorm", feedForwardNorm: "post_attention_layernorm", fused: "self_attn.qkv_proj",
        attentionOutput: "self_attn.o_proj", up: "mlp.gate_up_proj", down: "mlp.down_proj")

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        try reader.llamaLike(
            .init(
                maximumPositions: 4096, epsilon: 1e-5, rotaryPart: RotaryPart(key: "partial_rotary_factor", standard: 1)
            ), names: names, sliding: .all(window: nil)
        ) { layer in
            layer.attention.projection = .stacked
            layer.feedForward.halves = .stacked
        }
    }
}
