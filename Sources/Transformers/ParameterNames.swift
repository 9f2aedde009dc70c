/// The names of a family's parameters in Hugging Face checkpoints.
public struct ParameterNames: Sendable, Equatable {
    /// What the names of everything but the head start with; checkpoints of a bare model leave it out.
    public let base: String
    let embedding: String
    let positions: String
    let layers: String
    let finalNorm: String
    let head: String

    // Within a layer.
    let attentionNorm: String
    let feedForwardNorm: String
    let query: String
    let key: String
    let value: String
    /// Queries, keys and values in one matrix.
    let fused: String
    let queryNorm: String
    let keyNorm: String
    let attentionOutput: String
    let gate: String
    let up: String
    let down: String

    /// The score head of a reward model.
    static let score = "score.weight"

    /// Whether a checkpoint may hold a tensor of this name that is no parameter: masks and tables that older versions
    /// of transformers saved.
    static func isBuffer(_ name: String) -> Bool {
        [
            ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq",
            "position_ids",
        ].contains { name.hasSuffix($0) }
    }

    /// The names of a family.
    init(_ family: ModelConfiguration.Family) {
        switch family {
        case .llama, .mistral, .qwen2, .qwen3: self = .llama
        case .gptNeoX: self = .gptNeoX
        case .gpt2: self = .gpt2
        }
    }

    /// The full name of a parameter of layer `index`.
    func layer(_ index: Int, _ name: String) -> String { "\(base)\(layers).\(index).\(name)" }

    private static let llama = ParameterNames(
        base: "model.", embedding: "embed_tokens.weight", positions: "", layers: "layers", finalNorm: "norm",
        head: "lm_head.weight", attentionNorm: "input_layernorm", feedForwardNorm: "post_attention_layernorm",
        query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj", fused: "",
        queryNorm: "self_attn.q_norm", keyNorm: "self_attn.k_norm", attentionOutput: "self_attn.o_proj",
        gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj")

    private static let gptNeoX = ParameterNames(
        base: "gpt_neox.", embedding: "embed_in.weight", positions: "", layers: "layers", finalNorm: "final_layer_norm",
        head: "embed_out.weight", attentionNorm: "input_layernorm", feedForwardNorm: "post_attention_layernorm",
        query: "", key: "", value: "", fused: "attention.query_key_value", queryNorm: "", keyNorm: "",
        attentionOutput: "attention.dense", gate: "", up: "mlp.dense_h_to_4h", down: "mlp.dense_4h_to_h")

    private static let gpt2 = ParameterNames(
        base: "transformer.", embedding: "wte.weight", positions: "wpe.weight", layers: "h", finalNorm: "ln_f",
        head: "lm_head.weight", attentionNorm: "ln_1", feedForwardNorm: "ln_2", query: "", key: "", value: "",
        fused: "attn.c_attn", queryNorm: "", keyNorm: "", attentionOutput: "attn.c_proj", gate: "", up: "mlp.c_fc",
        down: "mlp.c_proj")
}

extension ParameterNames {
    private init(
        base: String, embedding: String, positions: String, layers: String, finalNorm: String, head: String,
        attentionNorm: String, feedForwardNorm: String, query: String, key: String, value: String, fused: String,
        queryNorm: String, keyNorm: String, attentionOutput: String, gate: String, up: String, down: String
    ) {
        self.base = base
        self.embedding = base + embedding
        self.positions = base + positions
        self.layers = layers
        self.finalNorm = base + finalNorm
        self.head = head
        self.attentionNorm = attentionNorm
        self.feedForwardNorm = feedForwardNorm
        self.query = query
        self.key = key
        self.value = value
        self.fused = fused
        self.queryNorm = queryNorm
        self.keyNorm = keyNorm
        self.attentionOutput = attentionOutput
        self.gate = gate
        self.up = up
        self.down = down
    }
}
