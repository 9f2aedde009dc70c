import Configuration
import Objectives
import Runs
import Training

/// Bradley-Terry training of a score on the last token of the response.
package struct RewardOptions: Sendable, Equatable {
    /// The model whose body training starts from; it gets a new score head unless it has one.
    package var initial = ArtifactReference.base
    /// Preference pairs.
    package var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The weight of the squared sum of both scores, which keeps them around 0; `nil` for none.
    package var centerRewardsCoefficient: Double?
    /// Whether scores are used less their mean on a sample of the training data.
    package var normalizeReward = true
    /// AdamW.
    package var optimizer = OptimizerOptions(learningRate: 1e-4)
    /// Steps and batches.
    package var loop = TrainingLoopOptions()
    /// How long an example may be.
    package var lengths = LengthOptions()

    /// The defaults.
    package init() {}
}

extension RewardOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "init", \.initial, .model, startsModel: true,
            "Model whose body training starts from; it gets a new score head unless it has one.")
        Field.input("pairs", \.pairs, .rows(.scoredPairs), "Preference pairs to train on.")
        Field(
            "center_rewards_coefficient", \.centerRewardsCoefficient, .atLeast(0),
            "Weight of the squared sum of both scores, which keeps them around 0; 0.01 is usual.")
        Field(
            "normalize_reward", \.normalizeReward,
            "Whether later stages use scores less their mean on a sample of the training data.")
        embed(\.optimizer)
        embed(\.loop, TrainingLoopOptions.fields(evaluating: .scoredPairs))
        embed(\.lengths, default: "the dataset's")
    }
}
