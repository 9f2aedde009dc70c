import Configuration
import Runs
import Training

/// Splitting pairs by the absolute gap of their two rewards: large gaps are easy, small ones difficult.
package struct SplitOptions: Sendable, Equatable {
    /// The pairs that are split.
    package var pairs: [ArtifactReference] = [.dataset(.train)]
    /// The reward that both responses are scored by.
    package var reward = ArtifactReference.unset
    /// Pairs with at least this gap are easy; `nil` where the quantile decides.
    package var gamma: Double?
    /// This share of the pairs, those of the smallest gaps, is difficult; `nil` where gamma decides.
    package var quantile: Double?
    /// Which pairs go to which part.
    package var assignment: PairAssignment = .gap
    /// The order of both parts.
    package var order: PairOrder = .none
    /// Most tokens in one forward pass of the reward model.
    package var maxTokensPerMicroBatch = 4096
    /// How long an example may be.
    package var lengths = LengthOptions()
    /// How a judge behind a server is asked.
    package var judging = JudgeOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()

    /// The defaults.
    package init() {}
}

extension SplitOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "pairs", \.pairs, .rows(.scoredPairs), default: "the sample stage, else dataset.train",
            "Pairs that are split.")
        Field.input(
            "reward", \.reward, .rowReward, default: "the reward stage", "Reward that both responses are scored by.")
        Field(
            "gamma", \.gamma, .atLeast(0), default: "1.0, unless quantile is given", effect: .concluding,
            "Reward gap from which a pair is easy; below it is difficult.")
        Field(
            "quantile", \.quantile, .between(0, 1), effect: .concluding,
            "Share of the pairs, those of the smallest gaps, that is difficult, as nearly as equal gaps, which stay "
                + "together, allow; in place of gamma.")
        Field(
            "assignment", \.assignment, effect: .concluding,
            "Which pairs go to which part: gap, as the gap says; random, as many drawn at random, to measure what the split "
                + "by gap is worth.")
        Field("order", \.order, effect: .concluding, "Order of both parts: as read, or by falling gap.")
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1), effect: .rounding,
            "Most tokens of one forward pass of the reward model on a rank.")
        embed(\.lengths, default: "the dataset's")
        JudgeOptions.block(\.judging)
        embed(\.compute, default: "the run's")
    }
}

/// Which pairs go to which part of a split.
package enum PairAssignment: String, Sendable, ConfigurationWord {
    /// As their gaps say.
    case gap
    /// As many as that makes, at random.
    case random
}

/// The order of the pairs in both parts of a split.
package enum PairOrder: String, Sendable, ConfigurationWord {
    /// As they were read.
    case none
    /// By falling gap.
    case easyToHard = "easy_to_hard"
}
