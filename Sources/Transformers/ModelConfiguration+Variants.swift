/// Keys that change what a model computes and are not supported, as transformers' classes of the families read them.
extension ModelConfiguration {
    /// The window of layers that see only the last tokens; `nil` where no layer does.
    static func slidingWindow(
        _ reader: ModelFileReader, _ family: Family, layers: Int
    ) throws(ModelError) -> Int? {
        let types = try layerTypes(reader)
        let slides = types?.contains("sliding_attention")
        // The layers from there on slide, where layer_types does not list them.
        let first = try reader.integer("max_window_layers", in: 0...1 << 20, default: 28)
        let used =
            switch family {
            case .mistral: true
            case .qwen2, .qwen3: try reader.bool("use_sliding_window", default: false) && slides ?? (first < layers)
            case .llama, .gpt2, .gptNeoX: false
            }
        // Configurations without the key mean 4096; null means none.
        guard used, reader.values["sliding_window"] != .null else {
            guard slides != true else {
                throw reader.error(
                    "layer_types",
                    "asks for sliding_attention, but no other key gives a \(family.rawValue) model a window")
            }
            return nil
        }
        return try reader.integer("sliding_window", default: 4096)
    }

    private static func layerTypes(_ reader: ModelFileReader) throws(ModelError) -> [String]? {
        guard let value = reader.values["layer_types"], value != .null else { return nil }
        guard case .array(let items) = value else { throw reader.error("layer_types", "must be a list") }
        var types: [String] = []
        for item in items {
            guard case .string(let type) = item, ["full_attention", "sliding_attention"].contains(type) else {
                throw reader.error("layer_types", "may hold full_attention and sliding_attention alone")
            }
            types.append(type)
        }
        return types
    }

    /// Refuses options of the reference implementation that change the model and are not supported.
    static func refuseVariants(_ reader: ModelFileReader, _ family: Family) throws(ModelError) {
        for key in ["quantization_config", "compression_config"] where reader.has(key) {
            throw reader.error(
                key, "asks for quantised weights, which are not supported; save the model without it, in 16 or 32 bits")
        }
        guard family == .gpt2 else { return }
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
