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
        to directory: URL, _ state: TrainerState, _ optimizers: [String: OptimizerState], inFlight: RolloutBatch?
    ) throws {
        try models.save(learner.policy, to: directory, text: text)
        if let critic = learner.critic {
            let place = directory.appending(path: "critic")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try models.save(critic, to: place, text: text)
        }
        try OptimizerFile.write(optimizers, to: directory)
        try inFlight?.write(to: directory)
        try state.write(to: directory)
    }

    /// The state of the optimizers on the first learner, `nil` on the others; all learners call this.
    package func gatherOptimizers() throws -> [String: OptimizerState]? {
        let policy = try learner.policyUpdater.gatherState()
        let critic = try learner.criticUpdater?.gatherState()
        guard let policy else { return nil }
        return ["policy": policy].merging(critic.map { ["critic": $0] } ?? [:]) { $1 }
    }

    /// Takes over optimizers and coefficient; the models were loaded from the same directory.
    package func restore(from directory: URL) throws {
        var optimizers = ["policy": learner.policyUpdater.optimizer]
        optimizers["critic"] = learner.criticUpdater?.optimizer
        try OptimizerFile.read(optimizers, from: directory)
        let state = try TrainerState.read(from: directory)
        if let controller = state.controller { learner.controller = learner.controller.resumed(at: controller) }
        learner.nonFinite = state.nonFinite
    }
}
