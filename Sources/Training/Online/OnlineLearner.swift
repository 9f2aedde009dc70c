import Foundation
import Runs
import Transformers

/// What learns in an online stage: from a step's responses to updates that all learners make alike.
package protocol OnlineLearner: AnyObject {
    /// The models that it trains; the first is the policy.
    var trainees: [Trainee] { get }

    /// Models that move without being trained, which checkpoints keep by these names.
    var moving: [(name: String, model: DecoderModel)] { get }

    /// Learns from this learner's share of a step.
    ///
    /// - Throws: ``RunError/notFinite(stage:step:what:teller:canSkip:)``, on all learners alike, unless such updates are skipped.
    func learn(step: Int, from batch: RolloutBatch) throws -> MetricValues

    /// Where it stands after `step` steps, besides its models and their optimizers.
    func state(step: Int, metrics: MetricsState) -> TrainerState

    /// Goes on from there; models and optimizers are restored already.
    func restore(_ state: TrainerState)

    /// Writes files of its own into a checkpoint.
    func write(to checkpoint: URL) throws

    /// Reads them.
    func restore(from checkpoint: URL) throws
}

extension OnlineLearner {
    package var moving: [(name: String, model: DecoderModel)] { [] }
    package func write(to checkpoint: URL) throws {}
    package func restore(from checkpoint: URL) throws {}
}

/// A model that an online stage trains.
package struct Trainee {
    /// What it is called in checkpoints and messages.
    package let name: String
    package let model: DecoderModel
    package let updater: ParameterUpdater

    package init(_ name: String, _ model: DecoderModel, _ updater: ParameterUpdater) {
        (self.name, self.model, self.updater) = (name, model, updater)
    }

    /// What the policy is called.
    package static let policy = "policy"
}
