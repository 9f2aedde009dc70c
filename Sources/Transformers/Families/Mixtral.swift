/// Mixtral: Mistral's attention, and networks of which each row goes through two.
package enum Mixtral: ModelFamily {
    package static let modelType = "mixtral"
    package static let architectures = ModelArchitectures(prefix: "Mixtral")

    private static let names = Llama.names.with(
        experts: ExpertNames(
            router: "block_sparse_moe.gate", experts: "block_sparse_moe.experts",
            parts: FeedForwardNames(gate: "w1", up: "w3", down: "w2"), routerModule: "mlp.gate",
            expertsModule: "mlp.experts"))

    package static func specification(_ reader: ModelFileReader) throws(ModelError) -> DecoderSpecification {
        guard try reader.number("router_jitter_noise", in: 0...1, default: 0) == 0 else {
            throw reader.error("router_jitter_noise", "asks for noise in training, which is not supported; write 0.0")
        }
        let experts = try reader.experts(
            count: reader.integer("num_local_experts", "num_experts", in: 1...4096, default: 8), perToken: 2,
            normalizes: true)
        return try reader.llamaLike(
            .init(maximumPositions: 131_072, keyValueHeads: 8, epsilon: 1e-5, theta: 1_000_000), names: names,
            sliding: .all(window: nil)
        ) { $0.feedForward.experts = experts }
    }
}
