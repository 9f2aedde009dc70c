import Configuration
import Runs
import Training

/// How the reward model keeps up with the policy (D2PO, arXiv 2405.01511): every few steps it learns from gold labels, asked
/// for some of the pairs since the last time.
package struct RewardUpdateOptions: Sendable, Equatable {
    /// What labels in truth; `nil` for a reward model that stays as it is.
    package var gold: ArtifactReference?
    /// Steps from one update to the next.
    package var steps = 8
    /// Pairs that gold labels are asked for at an update.
    package var pairs = 16
    /// Which pairs.
    package var choice = GoldChoice.confidence
    /// Most gold labels of the whole stage; `nil` for no bound.
    package var budget: Int?
    /// Passes over the labelled pairs of an update.
    package var epochs = 4
    /// Pairs of an optimizer step.
    package var batchSize = 16
    package var learningRate = 1e-4

    package init() {}

    /// Whether there is an update after so many steps.
    package func isDue(afterStep done: Int) -> Bool { gold != nil && done.isMultiple(of: steps) }

    /// The updates that are due within so many steps.
    package func updates(withinSteps steps: Int) -> Int { gold == nil ? 0 : steps / self.steps }
}

extension RewardUpdateOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "reward_update.gold", \.gold, .reward, isOptional: true, default: "none",
            "Reward or program whose labels the reward model is trained on in the loop (D2PO); null for a reward that stays."
        )
        Field("reward_update.steps", \.steps, .atLeast(1), "Steps from one update of the reward model to the next.")
        Field(
            "reward_update.pairs", \.pairs, .atLeast(1), default: "16, or all where there are fewer",
            "Pairs that gold labels are asked for at an update; no more than the steps since the last one can have.")
        Field(
            "reward_update.choice", \.choice,
            "Which of the pairs since the last update: confidence, those whose scores are nearest to each other, or random."
        )
        Field(
            "reward_update.budget", \.budget, .atLeast(1),
            "Most gold labels of the stage, after which the reward model stays as it is; null for no bound.")
        Field("reward_update.num_train_epochs", \.epochs, .atLeast(1), "Passes over the labelled pairs.")
        Field("reward_update.train_batch_size", \.batchSize, .atLeast(1), "Pairs of an optimizer step.")
        Field("reward_update.learning_rate", \.learningRate, .atLeast(0), "AdamW's rate for the reward model.")
    }
}
