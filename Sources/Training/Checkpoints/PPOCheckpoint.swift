import Foundation
import Objectives

/// The state of PPO on disk: policy, critic, both optimizers and the KL coefficient.
struct PPOCheckpoint {
    let learner: PPOLearner
    let models: ModelStore
    let text: TextPipeline

    private struct State: Codable {
        var step: Int
        var controller: KLController

        enum CodingKeys: String, CodingKey {
            case step = "global_step"
            case controller = "kl_controller"
        }
    }

    private var updaters: [String: ParameterUpdater] {
        ["policy": learner.policyUpdater, "critic": learner.criticUpdater]
    }

    func write(to directory: URL, step: Int) throws {
        try models.save(learner.policy, to: directory, text: text)
        let critic = directory.appending(path: "critic")
        try FileManager.default.createDirectory(at: critic, withIntermediateDirectories: true)
        try models.save(learner.critic, to: critic, text: text)
        try OptimizerFile.write(updaters, to: directory)
        try JSONEncoder().encode(State(step: step, controller: learner.controller))
            .write(to: directory.appending(path: TrainerState.fileName))
    }

    /// Takes over optimizers and coefficient; the models were loaded from the same directory.
    func restore(from directory: URL) throws {
        try OptimizerFile.read(updaters, from: directory)
        let state = try JSONDecoder().decode(
            State.self, from: Data(contentsOf: directory.appending(path: TrainerState.fileName)))
        learner.controller = state.controller
    }
}
