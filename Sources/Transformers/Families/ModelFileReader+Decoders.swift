/// Keys that several families read alike.
extension ModelFileReader {
    /// Rows of the embedding table.
    package func vocabularySize() throws(ModelError) -> Int { try integer("vocab_size", in: 1...1 << 24) }

    /// The activation that a key names.
    package func activation(
        _ key: String, default fallback: String
    ) throws(ModelError) -> LayerSpecification.Activation {
        switch try string(key, default: fallback) {
        case "silu", "swish": return .silu
        case "gelu": return .gelu
        case "gelu_new", "gelu_pytorch_tanh": return .geluTanh
        case "relu": return .relu
        case let other:
            throw error(
                key, "is \(other), which is not supported; supported are gelu, gelu_new, gelu_pytorch_tanh, relu, silu")
        }
    }

    /// What is wrong where heads do not divide the width.
    package func notDividing(_ key: String, _ heads: Int, _ width: Int) -> ModelError {
        error(key, "is \(heads), which does not divide the hidden size, \(width)")
    }

    /// Refuses weights that are quantised.
    package func refuseQuantization() throws(ModelError) {
        for key in ["quantization_config", "compression_config"] where has(key) {
            throw error(
                key, "asks for quantised weights, which are not supported; save the model without it, in 16 or 32 bits")
        }
    }

    /// The window of layers that see only the last tokens; `nil` where no layer does.
    package func slidingWindow(_ sliding: SlidingLayers, layers: Int) throws(ModelError) -> Int? {
        let slides = try layerTypes()?.contains("sliding_attention")
        // The layers from there on slide, where layer_types does not list them.
        let first = try integer("max_window_layers", in: 0...1 << 20, default: 28)
        let used =
            switch sliding {
            case .never: false
            case .always: true
            case .asked: try bool("use_sliding_window", default: false) && slides ?? (first < layers)
            }
        // Configurations without the key mean 4096; null means none.
        guard used, values["sliding_window"] != .null else {
            guard slides != true else {
                throw error(
                    "layer_types",
                    "asks for sliding_attention, but no other key gives a \(try modelType()) model a window")
            }
            return nil
        }
        return try integer("sliding_window", default: 4096)
    }

    /// The name of the family.
    func modelType() throws(ModelError) -> String { try string("model_type") }

    private func layerTypes() throws(ModelError) -> [String]? {
        guard let value = values["layer_types"], value != .null else { return nil }
        guard case .array(let items) = value else { throw error("layer_types", "must be a list") }
        var types: [String] = []
        for item in items {
            guard case .string(let type) = item, ["full_attention", "sliding_attention"].contains(type) else {
                throw error("layer_types", "may hold full_attention and sliding_attention alone")
            }
            types.append(type)
        }
        return types
    }
}

/// Which of a family's layers see only the last tokens.
package enum SlidingLayers: Sendable {
    /// No layer.
    case never
    /// Every layer, where there is a `sliding_window`.
    case always
    /// Those that `use_sliding_window` with `layer_types` or `max_window_layers` says.
    case asked
}
