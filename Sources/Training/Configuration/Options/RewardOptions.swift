import Configuration
import Objectives

/// Bradley-Terry training of a score on the last token of the response.
public struct RewardOptions: Sendable, Equatable {
    /// The model whose body training starts from; it gets a new score head unless it has one.
    public var initial = ArtifactReference.base
    /// Preference pairs.
    public var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The weight of the squared sum of both scores, which keeps them around 0; `nil` for none.
    public var centerRewardsCoefficient: Double?
    /// Whether scores are used less their mean on a sample of the training data.
    public var normalizeReward = true
    /// AdamW.
    public var optimizer = OptimizerOptions(learningRate: 1e-4)
    /// Steps and batches.
    public var loop = TrainingLoopOptions()
    /// How long an example may be.
    public var lengths = LengthOptions()

    /// The defaults.
    public init() {}
}

extension RewardOptions: StageOptionGroup {
    package static let fields = Field<Self>.list {
        Field("init", \.initial, "Model whose body training starts from; it gets a new score head unless it has one.")
        Field("pairs", \.pairs, "Preference pairs to train on.")
        Field(
            "center_rewards_coefficient", \.centerRewardsCoefficient, .atLeast(0),
            "Weight of the squared sum of both scores, which keeps them around 0; 0.01 is usual.")
        Field(
            "normalize_reward", \.normalizeReward,
            "Whether later stages use scores less their mean on a sample of the training data.")
        embed(\.optimizer)
        embed(\.loop)
        embed(\.lengths, default: "the dataset's")
    }

    package mutating func resolve(in scope: StageScope) throws {
        try scope.check(initial, is: .model, for: "init")
        try scope.check(pairs, is: .rows, for: "pairs")
        try optimizer.check(scope)
        try loop.inherit(scope, data: pairs, metrics: BradleyTerryMetrics.names)
        try lengths.inherit(scope)
    }

    package var asStageOptions: StageOptions { .reward(self) }
}
