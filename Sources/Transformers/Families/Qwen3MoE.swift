import JSON

/// Qwen 3 with experts: Qwen 3's attention, and networks of which each row goes through some.
package enum Qwen3MoE: ModelFamily {
    package static let modelType = "qwen3_moe"
    package static let architectures = ModelArchitectures(prefix: "Qwen3Moe")

    private static let names = Llama.names.with(
        experts: ExpertNames(
            router: "mlp.gate", experts: "mlp.experts",
            parts: FeedForwardNames(gate: "gate_proj", up: "up_proj", down: "down_proj")))

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        let slides = try reader.bool("use_sliding_window", default: false)
        var specification = try reader.llamaLike(
            .init(maximumPositions: 32768, keyValueHeads: 4), names: names,
            sliding: slides ? .all(window: 4096) : .never
        ) { (layer) throws(ModelError) in
            try layer.readBiases(reader)
            layer.attention.headNorm = .each
        }
        let experts = try reader.experts(
            count: reader.integer("num_experts", "num_local_experts", in: 1...4096, default: 128), perToken: 8,
            normalizes: reader.bool("norm_topk_prob", default: false))
        let width = try reader.integer("moe_intermediate_size", in: 1...1 << 20, default: 768)
        let step = try reader.integer("decoder_sparse_step", in: 1...1024, default: 1)
        var dense: Set<Int> = []
        if case .array(let items)? = reader.values["mlp_only_layers"] { dense = Set(items.compactMap(\.integer)) }
        for index in specification.layers.indices where !dense.contains(index) && (index + 1).isMultiple(of: step) {
            (specification.layers[index].feedForward.experts, specification.layers[index].feedForward.width) =
                (experts, width)
        }
        return specification
    }
}

extension ModelFileReader {
    /// How rows go through experts; `perToken` where `num_experts_per_tok` does not say.
    func experts(
        count: Int, perToken: Int, normalizes: Bool
    ) throws(ModelError) -> LayerSpecification.Experts {
        let perToken = try integer("num_experts_per_tok", in: 1...4096, default: perToken)
        guard perToken <= count else {
            throw error("num_experts_per_tok", "is \(perToken), and there are \(count) experts")
        }
        return LayerSpecification.Experts(count: count, perToken: perToken, normalizes: normalizes)
    }
}
