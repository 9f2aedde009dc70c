import Foundation
import Objectives
import Torch

/// The state of PPO on disk: policy, critic, both optimizers and the KL coefficient.
struct PPOCheckpoint {
    let learner: PPOLearner
    let models: ModelStore
    let text: TextPipeline

    private struct State: Codable {
        var step: Int
        var controller: KLController
        var nonFinite: NonFiniteSteps

        enum CodingKeys: String, CodingKey {
            case step = "global_step"
            case controller = "kl_controller"
            case nonFinite = "non_finite_steps"
        }
    }

    private var optimizers: [String: AdamW] {
        ["policy": learner.policyUpdater.optimizer, "critic": learner.criticUpdater.optimizer]
    }

    func write(to directory: URL, step: Int) throws {
        try models.save(learner.policy, to: directory, text: text)
        let critic = directory.appending(path: "critic")
        try FileManager.default.createDirectory(at: critic, withIntermediateDirectories: true)
        try models.save(learner.critic, to: critic, text: text)
        try OptimizerFile.write(optimizers, to: directory)
        try JSONEncoder().encode(State(step: step, controller: learner.controller, nonFinite: learner.nonFinite))
            .write(to: directory.appending(path: TrainerState.fileName))
    }

    /// Takes over optimizers and coefficient; the models were loaded from the same directory.
    func restore(from directory: URL) throws {
        try OptimizerFile.read(optimizers, from: directory)
        let state = try TrainerState.read(State.self, from: directory)
        learner.controller = state.controller
        learner.nonFinite = state.nonFinite
    }
}
