import Foundation
import Runs
import Torch
import Training

/// The state of PPO on disk: policy, critic, both optimizers, the KL coefficient, and responses that were drawn ahead.
package struct PPOCheckpoint {
    package let learner: PPOLearner
    package let models: ModelStore
    package let text: TextPipeline

    /// - Parameters:
    ///   - optimizers: Both optimizers' state, from ``gatherOptimizers()``.
    ///   - inFlight: The next step's responses, where they were drawn before the update that this state is after.
    package func write(
        to directory: URL, _ state: TrainerState, _ optimizers: [String: OptimizerState], inFlight: ExperienceBatch?
    ) throws {
        try models.save(learner.policy, to: directory, text: text)
        let critic = directory.appending(path: "critic")
        try FileManager.default.createDirectory(at: critic, withIntermediateDirectories: true)
        try models.save(learner.critic, to: critic, text: text)
        try OptimizerFile.write(optimizers, to: directory)
        try inFlight?.write(to: directory)
        try state.write(to: directory)
    }

    /// The state of both optimizers on the first learner, `nil` on the others; all learners call this.
    package func gatherOptimizers() throws -> [String: OptimizerState]? {
        let (policy, critic) = (try learner.policyUpdater.gatherState(), try learner.criticUpdater.gatherState())
        guard let policy, let critic else { return nil }
        return ["policy": policy, "critic": critic]
    }

    /// Takes over optimizers and coefficient; the models were loaded from the same directory.
    package func restore(from directory: URL) throws {
        try OptimizerFile.read(
            ["policy": learner.policyUpdater.optimizer, "critic": learner.criticUpdater.optimizer], from: directory)
        let state = try TrainerState.read(from: directory)
        if let controller = state.controller { learner.controller = learner.controller.resumed(at: controller) }
        learner.nonFinite = state.nonFinite
    }
}
