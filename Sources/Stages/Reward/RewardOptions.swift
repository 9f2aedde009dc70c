import Configuration
import Objectives
import Runs
import Training

/// Training of a score of responses on pairs, and on demonstrations against samples.
package struct RewardOptions: Sendable, Equatable {
    /// The model whose body training starts from; it gets a new score head unless it has one.
    package var initial = ArtifactReference.base
    /// Preference pairs; none where they have no weight.
    package var pairs: [ArtifactReference] = [.dataset(.train)]
    /// Answers to learn from, each of which stands before the samples of its prompt.
    package var demonstrations: [ArtifactReference] = []
    /// What a policy answered to the same prompts.
    package var samples: [ArtifactReference] = []
    /// How much pairs and demonstrations weigh, where there are demonstrations.
    package var ranking = TokenRankingLoss()
    /// What encodings of a pair's responses add to the loss.
    package var multiView = MultiViewOptions()
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
    /// Where its models compute.
    package var compute = ComputeOptions()
    /// Whether an adapter is trained.
    package var adapter = AdapterOptions()

    /// The defaults.
    package init() {}
}

extension RewardOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "init", \.initial, .model, startsModel: true,
            "Model whose body training starts from; it gets a new score head unless it has one.")
        Field.input(
            "pairs", \.pairs, .rows(.scoredPairs), isOptional: true,
            default: "dataset.train; none with preference_weight 0", "Preference pairs to train on.")
        Field.input(
            "demonstrations", \.demonstrations, .rows(.completions), isOptional: true, default: "none",
            "Prompts with completions, or pairs, of which the chosen response is taken, to be scored above samples of the same "
                + "prompts (RFT; beside pairs AIHF). Rewards are then ranked on every token from where two responses part."
        )
        Field.input(
            "samples", \.samples, .rows(.completions), isOptional: true, default: "none",
            "A policy's answers to the prompts of demonstrations: what a sample stage leaves, of pairs the chosen one.")
        Field(
            "preference_weight", \.ranking.preferenceWeight, .atLeast(0),
            "Weight of pairs beside demonstrations; 0 leaves pairs out (IRL from demonstrations alone).")
        Field(
            "demonstration_weight", \.ranking.demonstrationWeight, .atLeast(0),
            "Weight of demonstrations against samples.")
        embed(\.multiView)
        Field(
            "center_rewards_coefficient", \.centerRewardsCoefficient, .atLeast(0),
            "Weight of the squared sum of both scores, which keeps them around 0; 0.01 is usual.")
        Field(
            "normalize_reward", \.normalizeReward,
            "Whether later stages use scores less their mean on a sample of the training data.")
        embed(\.optimizer)
        embed(\.loop, TrainingLoopOptions.fields(evaluating: .scoredPairs))
        embed(\.lengths, default: "the dataset's")
        embed(\.compute, default: "the run's")
        embed(\.adapter)
    }
}

// MARK: Checks

extension RewardOptions {
    /// What ranks tokens; `nil` without demonstrations.
    var usedRanking: TokenRankingLoss? {
        guard !demonstrations.isEmpty else { return nil }
        var ranking = ranking
        // No pair is learned from, and held-out ones count in full.
        if pairs.isEmpty { ranking.preferenceWeight = 1 }
        return ranking
    }

    /// Leaves out pairs that have no weight, and refuses what means nothing beside other options.
    ///
    /// - Throws: ``ConfigurationError``
    mutating func resolveDemonstrations(_ scope: StageScope) throws {
        guard !demonstrations.isEmpty else {
            if !samples.isEmpty {
                throw scope.error(
                    "samples", "no demonstrations stand before them", "give demonstrations, or leave it out")
            }
            for (key, weight) in [
                ("preference_weight", ranking.preferenceWeight), ("demonstration_weight", ranking.demonstrationWeight),
            ] where weight != 1 {
                throw scope.error(key, "has no meaning without demonstrations", "give demonstrations, or leave it out")
            }
            return try checkPairs(scope)
        }
        guard !samples.isEmpty else {
            throw scope.error(
                "demonstrations", "there are no samples that they stand before",
                "give samples, such as what a sample stage leaves, or leave it out")
        }
        guard ranking.demonstrationWeight > 0 else {
            throw scope.error(
                "demonstration_weight",
                ranking.preferenceWeight > 0 ? "0 leaves nothing of the demonstrations" : "no weight is left",
                "write one above 0, or leave demonstrations and samples out to train on pairs alone")
        }
        if ranking.preferenceWeight == 0, scope.given.contains("pairs"), !pairs.isEmpty {
            throw scope.error("pairs", "preference_weight: 0 leaves nothing of them", "leave one of the two out")
        }
        if ranking.preferenceWeight == 0 { pairs = [] } else { try checkPairs(scope) }
    }

    private func checkPairs(_ scope: StageScope) throws {
        try scope.check(pairs, is: .rows(.scoredPairs), for: "pairs")
    }
}
