import Runs

/// A sampler has drawn its part of a step; the bulk is a ``RolloutBatch``.
package struct RolloutMessage: StageMessage {
    package static let kind = "rollouts"
    package let step: Int

    package init(step: Int) { self.step = step }
}

/// A learner is to learn from its share of a step; the bulk is a ``RolloutBatch``.
package struct LearnMessage: StageMessage {
    package static let kind = "learn"
    package let step: Int

    package init(step: Int) { self.step = step }
}
