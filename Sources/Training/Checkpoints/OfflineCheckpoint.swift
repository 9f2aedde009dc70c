import Foundation
import Torch

/// Where offline training stands, besides its model and optimizer.
struct OfflineProgress: Equatable {
    /// Tokens of all steps so far.
    var tokens = 0
    var nonFinite = NonFiniteSteps()
    var best: BestCheckpoint?
}

/// The state of offline training on disk: the model's own directory, the optimizer's moments, and where it stands.
struct OfflineCheckpoint {
    let updater: ParameterUpdater
    /// Writes the model.
    let save: (URL) throws -> Void

    /// Keys as in transformers' `trainer_state.json`.
    private struct State: Codable {
        var step: Int
        var tokens: Int
        var nonFinite: NonFiniteSteps
        var bestMetric: Double?
        var bestStep: Int?

        enum CodingKeys: String, CodingKey {
            case step = "global_step"
            case tokens = "num_input_tokens_seen"
            case nonFinite = "non_finite_steps"
            case bestMetric = "best_metric"
            case bestStep = "best_global_step"
        }
    }

    func write(to directory: URL, step: Int, _ progress: OfflineProgress) throws {
        try save(directory)
        try OptimizerFile.write(["model": updater.optimizer], to: directory)
        let state = State(
            step: step, tokens: progress.tokens, nonFinite: progress.nonFinite, bestMetric: progress.best?.metric,
            bestStep: progress.best?.step)
        try JSONEncoder().encode(state).write(to: directory.appending(path: TrainerState.fileName))
    }

    /// Takes over moments and step; the model was loaded from the same directory.
    func restore(from directory: URL) throws -> OfflineProgress {
        try OptimizerFile.read(["model": updater.optimizer], from: directory)
        let state = try TrainerState.read(State.self, from: directory)
        var progress = OfflineProgress(tokens: state.tokens, nonFinite: state.nonFinite)
        if let metric = state.bestMetric, let step = state.bestStep {
            progress.best = BestCheckpoint(metric: metric, step: step)
        }
        return progress
    }
}

/// The file that says where training stands.
enum TrainerState {
    static let fileName = "trainer_state.json"

    /// Reads the file of a checkpoint.
    static func read<State: Decodable>(_: State.Type, from directory: URL) throws -> State {
        let file = directory.appending(path: fileName)
        guard let data = try? Data(contentsOf: file), let state = try? JSONDecoder().decode(State.self, from: data)
        else {
            throw RunError.other(
                "\(file.path): no state of this stage; delete the checkpoint to go on from another one")
        }
        return state
    }
}
