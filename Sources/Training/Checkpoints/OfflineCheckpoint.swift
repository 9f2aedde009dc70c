import Foundation
import Torch

/// The state of offline training on disk: the model's own directory, the optimizer's moments, and where it stands.
struct OfflineCheckpoint {
    let updater: ParameterUpdater
    /// Writes the model.
    let save: (URL) throws -> Void

    /// Keys as in transformers' `trainer_state.json`.
    private struct State: Codable {
        var step: Int
        var tokens: Int

        enum CodingKeys: String, CodingKey {
            case step = "global_step"
            case tokens = "num_input_tokens_seen"
        }
    }

    func write(to directory: URL, step: Int, tokens: Int) throws {
        try save(directory)
        try OptimizerFile.write(["model": updater], to: directory)
        try JSONEncoder().encode(State(step: step, tokens: tokens))
            .write(to: directory.appending(path: TrainerState.fileName))
    }

    /// Takes over weights, moments and step; returns the tokens seen so far.
    func restore(from directory: URL) throws -> Int {
        try OptimizerFile.read(["model": updater], from: directory)
        let state = try JSONDecoder().decode(
            State.self, from: Data(contentsOf: directory.appending(path: TrainerState.fileName)))
        return state.tokens
    }
}

/// The file that says where training stands.
enum TrainerState {
    static let fileName = "trainer_state.json"
}
