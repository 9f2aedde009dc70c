import Configuration

/// Splitting pairs by the absolute gap of their two rewards: large gaps are easy, small ones difficult.
public struct SplitOptions: Sendable, Equatable {
    /// The pairs that are split.
    public var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The reward that both responses are scored by.
    public var reward = ArtifactReference.unset
    /// Pairs with at least this gap are easy; `nil` where the quantile decides.
    public var gamma: Double?
    /// This share of the pairs, those of the smallest gaps, is difficult; `nil` where gamma decides.
    public var quantile: Double?
    /// The order of both parts.
    public var order: PairOrder = .none
    /// Most tokens in one forward pass of the reward model.
    public var maxTokensPerMicroBatch = 4096
    /// How long an example may be.
    public var lengths = LengthOptions()

    /// The defaults.
    public init() {}

    /// The threshold where neither is given: what the method's authors used for HH-RLHF.
    private static let defaultGamma = 1.0
}

extension SplitOptions: StageOptionGroup {
    package static let fields = Field<Self>.list {
        Field("pairs", \.pairs, default: "the sample stage, else dataset.train", "Pairs that are split.")
        Field("reward", \.reward, default: "the reward stage", "Reward that both responses are scored by.")
        Field(
            "gamma", \.gamma, .atLeast(0), default: "1.0, unless quantile is given",
            "Reward gap from which a pair is easy; below it is difficult.")
        Field(
            "quantile", \.quantile, .between(0, 1),
            "Share of the pairs, those of the smallest gaps, that is difficult, as nearly as equal gaps, which stay "
                + "together, allow; in place of gamma.")
        Field("order", \.order, "Order of both parts: as read, or by falling gap.")
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1),
            "Most tokens of one forward pass of the reward model on a rank.")
        embed(\.lengths, default: "the dataset's")
    }

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("pairs") { pairs = try scope.rows(part: nil, for: "pairs") }
        if !scope.given.contains("reward") { reward = try scope.reward(for: "reward") }
        try scope.check(pairs, is: .rows, for: "pairs")
        try scope.check(reward, is: .reward, for: "reward")
        guard gamma == nil || quantile == nil else {
            throw scope.error("quantile", "given together with gamma", "keep one of the two, and null for the other")
        }
        if gamma == nil, quantile == nil { gamma = Self.defaultGamma }
        try lengths.inherit(scope)
    }

    package var asStageOptions: StageOptions { .split(self) }
}

/// The order of the pairs in both parts of a split.
public enum PairOrder: String, Sendable, ConfigurationWord {
    /// As they were read.
    case none
    /// By falling gap.
    case easyToHard = "easy_to_hard"
}
