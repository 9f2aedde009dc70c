/// The names of a family's parameters in Hugging Face checkpoints.
public struct ParameterNames: Sendable, Equatable {
    /// What the names of everything but the head start with; checkpoints of a bare model leave it out.
    public let base: String
    let embedding: String
    let positions: String
    let finalNorm: String
    let head: String
    /// What the names of a layer start with, but for its number.
    private let layers: String

    // Within a layer.
    /// The norms in front of attention and of the feed-forward network.
    let attentionNorm: String
    let feedForwardNorm: String
    /// The norms behind them.
    let attentionPostNorm: String
    let feedForwardPostNorm: String
    let query: String
    let key: String
    let value: String
    /// Queries, keys and values in one matrix.
    let fused: String
    let queryNorm: String
    let keyNorm: String
    /// The scores of heads that lead nowhere.
    let sinks: String
    let attentionOutput: String
    let feedForward: FeedForwardNames
    private(set) var experts: ExpertNames?

    /// Names of a family; those of parameters that it does not have are left out.
    ///
    /// All but `head` are without `base`; those of norms and linear layers without `.weight` and `.bias`, and those within
    /// a layer without its number.
    package init(
        base: String, embedding: String, positions: String = "", layers: String, finalNorm: String, head: String,
        attentionNorm: String = "", feedForwardNorm: String = "", attentionPostNorm: String = "",
        feedForwardPostNorm: String = "", query: String = "", key: String = "", value: String = "", fused: String = "",
        queryNorm: String = "", keyNorm: String = "", sinks: String = "", attentionOutput: String, gate: String = "",
        up: String, down: String, experts: ExpertNames? = nil
    ) {
        self.base = base
        self.embedding = base + embedding
        self.positions = base + positions
        self.layers = base + layers
        self.finalNorm = base + finalNorm
        self.head = head
        self.attentionNorm = attentionNorm
        self.feedForwardNorm = feedForwardNorm
        self.attentionPostNorm = attentionPostNorm
        self.feedForwardPostNorm = feedForwardPostNorm
        self.query = query
        self.key = key
        self.value = value
        self.fused = fused
        self.queryNorm = queryNorm
        self.keyNorm = keyNorm
        self.sinks = sinks
        self.attentionOutput = attentionOutput
        feedForward = FeedForwardNames(gate: gate, up: up, down: down)
        self.experts = experts
    }

    /// The same names for a family whose networks are experts.
    func with(experts: ExpertNames) -> ParameterNames {
        var copy = self
        copy.experts = experts
        return copy
    }

    /// The score head of a reward model.
    static let score = "score.weight"
    /// The module that it is the weight of.
    static let scoreModule = "score"

    /// Whether a checkpoint may hold a tensor of this name that is no parameter: masks and tables that older versions
    /// of transformers saved.
    static func isBuffer(_ name: String) -> Bool {
        [
            ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq",
            "position_ids",
        ].contains { name.hasSuffix($0) }
    }

    /// The full name of a parameter of layer `index`.
    func layer(_ index: Int, _ name: String) -> String { "\(layers).\(index).\(name)" }
}

/// The names of a feed-forward network's projections.
package struct FeedForwardNames: Sendable, Equatable {
    /// The activated half of a gated network.
    let gate: String
    /// The other half, or both in one matrix.
    let up: String
    let down: String
}

/// The names of experts and their router within a layer.
package struct ExpertNames: Sendable, Equatable {
    let router: String
    /// What the names of an expert's projections start with, but for its number.
    let experts: String
    let parts: FeedForwardNames
    /// The modules of router and experts in transformers 5, where checkpoints keep older names.
    let routerModule: String
    let expertsModule: String

    /// Names within a layer; those of modules are the same for `nil`.
    init(
        router: String, experts: String, parts: FeedForwardNames, routerModule: String? = nil,
        expertsModule: String? = nil
    ) {
        (self.router, self.experts, self.parts) = (router, experts, parts)
        self.routerModule = routerModule ?? router
        self.expertsModule = expertsModule ?? experts
    }

    func prefix(_ index: Int) -> String { "\(experts).\(index)." }

    /// The same for tensors that hold a parameter of all experts.
    var prefix: String { "\(experts)." }

    /// The biases of all experts beside such a tensor.
    static func bias(of part: String) -> String { "\(part)_bias" }
}
