/// What differs between families in how they write a configuration.
extension ModelConfiguration.Family {
    /// Whether norms subtract the mean and have biases, as do feed-forward layers.
    var usesLayerNorm: Bool { self == .gpt2 || self == .gptNeoX }

    var epsilonKey: String {
        switch self {
        case .gpt2: "layer_norm_epsilon"
        case .gptNeoX: "layer_norm_eps"
        case .llama, .mistral, .qwen2, .qwen3: "rms_norm_eps"
        }
    }

    /// transformers' default of `max_position_embeddings`.
    var positions: Int {
        switch self {
        case .gpt2: 1024
        case .llama, .gptNeoX: 2048
        case .qwen2, .qwen3: 32768
        case .mistral: 131_072
        }
    }

    /// The name of transformers' class for a model with this head.
    func architecture(_ head: DecoderHead) -> String {
        let prefix =
            switch self {
            case .llama: "Llama"
            case .mistral: "Mistral"
            case .gpt2: "GPT2"
            case .gptNeoX: "GPTNeoX"
            case .qwen2: "Qwen2"
            case .qwen3: "Qwen3"
            }
        return switch head {
        case .languageModel: prefix + (self == .gpt2 ? "LMHeadModel" : "ForCausalLM")
        case .score: prefix + "ForSequenceClassification"
        }
    }
}

extension ModelConfiguration {
    /// Key and value heads, and channels of a head.
    static func heads(
        _ reader: ModelFileReader, _ family: Family, _ hiddenSize: Int, _ heads: Int
    ) throws(ModelError) -> (keyValue: Int, dimension: Int) {
        let headsKey = family == .gpt2 ? "n_head" : "num_attention_heads"
        let fused = family.usesLayerNorm
        let keyValue = fused ? heads : try reader.integer("num_key_value_heads", in: 1...4096, default: heads)
        guard heads % keyValue == 0 else {
            throw reader.error("num_key_value_heads", "is \(keyValue), which does not divide \(headsKey), \(heads)")
        }
        let fallback = family == .qwen3 ? 128 : hiddenSize / heads
        let dimension = fused ? hiddenSize / heads : try reader.integer("head_dim", in: 1...4096, default: fallback)
        guard dimension > 0, !fused || hiddenSize % heads == 0 else {
            throw reader.error(headsKey, "is \(heads), which does not divide the hidden size, \(hiddenSize)")
        }
        if family == .gptNeoX, try reader.integer("head_dim", in: 1...4096, default: dimension) != dimension {
            throw reader.error(
                "head_dim", "must be \(dimension), hidden_size / num_attention_heads, for a gpt_neox model; remove it")
        }
        return (keyValue, dimension)
    }

    static func activation(_ reader: ModelFileReader, _ family: Family) throws(ModelError) -> Activation {
        let (key, fallback) =
            switch family {
            case .gpt2: ("activation_function", "gelu_new")
            case .gptNeoX: ("hidden_act", "gelu")
            case .llama, .mistral, .qwen2, .qwen3: ("hidden_act", "silu")
            }
        switch try reader.string(key, default: fallback) {
        case "silu", "swish": return .silu
        case "gelu": return .gelu
        case "gelu_new", "gelu_pytorch_tanh": return .geluTanh
        case "relu": return .relu
        case let other:
            throw reader.error(
                key, "is \(other), which is not supported; supported are gelu, gelu_new, gelu_pytorch_tanh, relu, silu")
        }
    }
}
