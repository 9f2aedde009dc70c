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
            let method = try object(key)?.string("quant_method", default: "")
            guard method != "mxfp4" else {
                throw error(
                    "\(key).quant_method",
                    "is mxfp4, which is not supported; train a copy in bfloat16, which transformers loads with "
                        + "quantization_config=Mxfp4Config(dequantize=True) and save_pretrained writes")
            }
            throw error(
                key, "asks for quantised weights, which are not supported; save the model without it, in 16 or 32 bits")
        }
    }

    /// The window of each layer that sees only the last tokens; `nil` for those that see everything.
    package func windows(_ sliding: SlidingLayers, layers: Int) throws(ModelError) -> [Int?] {
        let types = try layerTypes(layers)
        let slides: [Bool]
        var fallback: Int? = 4096
        switch sliding {
        case .never: slides = Array(repeating: false, count: layers)
        case .all(let window):
            slides = Array(repeating: true, count: layers)
            fallback = window
        case .asked:
            // The layers from there on slide, where layer_types does not list them.
            let first = try integer("max_window_layers", in: 0...1 << 20, default: 28)
            let isAsked = try bool("use_sliding_window", default: false)
            slides = (0..<layers).map { isAsked && types?[$0] ?? ($0 >= first) }
        case .listed(let window, let standard):
            slides = types ?? (0..<layers).map(standard)
            fallback = window
        }
        // Configurations without the key mean a family's own; null means none.
        let window =
            values["sliding_window"] == .null || !slides.contains(true) || (fallback == nil && !has("sliding_window"))
            ? nil : try integer("sliding_window", default: fallback)
        if types?.contains(true) == true, window == nil {
            throw error(
                "layer_types", "asks for sliding_attention, but no other key gives a \(try modelType()) model a window")
        }
        return slides.map { $0 ? window : nil }
    }

    /// The name of the family.
    func modelType() throws(ModelError) -> String { try string("model_type") }

    /// Which layers `layer_types` lets slide; `nil` where it is not there.
    private func layerTypes(_ layers: Int) throws(ModelError) -> [Bool]? {
        guard let value = values["layer_types"], value != .null else { return nil }
        guard case .array(let items) = value else { throw error("layer_types", "must be a list") }
        var types: [Bool] = []
        for item in items {
            guard case .string(let type) = item, ["full_attention", "sliding_attention"].contains(type) else {
                throw error("layer_types", "may hold full_attention and sliding_attention alone")
            }
            types.append(type == "sliding_attention")
        }
        guard types.count == layers else {
            throw error("layer_types", "lists \(types.count) layers, but num_hidden_layers is \(layers)")
        }
        return types
    }
}

/// Which of a family's layers see only the last tokens.
package enum SlidingLayers: Sendable {
    /// No layer.
    case never
    /// Every layer, where there is a `sliding_window`; without the key it is `window`.
    case all(window: Int?)
    /// Those that `use_sliding_window` with `layer_types` or `max_window_layers` says.
    case asked
    /// Those of `layer_types`; without the key those that the family's rule says. Without `sliding_window` it is `window`.
    case listed(window: Int = 4096, @Sendable (Int) -> Bool)
}
