import JSON

extension ModelFileReader {
    /// Positions of layers of one type, where those of `full_attention` and of `sliding_attention` rotate otherwise.
    ///
    /// Such configurations hold a block a type in `rope_parameters`; older ones a `rope_scaling` for the layers that see
    /// everything, and `rope_theta`.
    ///
    /// - Parameters:
    ///   - type: the type, as in `layer_types`.
    ///   - theta: the base where the file does not say it for this type.
    func rotary(ofLayers type: String, channels: Int, theta: Double) throws(ModelError) -> RotaryEmbedding {
        let isFull = type == "full_attention"
        var block = JSONObject()
        if let parameters = try object("rope_parameters") {
            guard
                parameters.values.entries.allSatisfy({ if case .object = $0.value { true } else { $0.value == .null } })
            else {
                throw error(
                    "rope_parameters",
                    "must hold full_attention and sliding_attention, a block each, for a \(try modelType()) model")
            }
            block = try parameters.object(type)?.values ?? block
        }
        if isFull, let scaling = try object("rope_scaling") {
            for entry in scaling.values.entries { block[entry.key] = entry.value }
        }
        if block["rope_theta"] == nil {
            let outer = isFull ? try number("rope_theta", in: 1...1e12, default: theta) : theta
            block["rope_theta"] = JSON(outer)
        }
        var values = values
        for key in ["rope_scaling", "rope_theta", "rope_parameters"] { values[key] = nil }
        values["rope_parameters"] = .object(block)
        return try RotaryEmbedding(ModelFileReader(url: url, values: values), channels: channels)
    }
}
