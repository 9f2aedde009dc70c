import Foundation
import Objectives

/// Where training stands, in a checkpoint's `trainer_state.json`. Keys are as in transformers where it has them.
struct TrainerState: Codable, Equatable {
    /// Steps done.
    var step: Int
    /// The length of `metrics.jsonl` with the lines of these steps.
    var metricsPosition: UInt64
    /// Tokens trained on so far.
    var tokens: Int?
    /// The coefficient of PPO's KL penalty.
    var controller: KLController?

    enum CodingKeys: String, CodingKey {
        case step = "global_step"
        case metricsPosition = "metrics_position"
        case tokens = "num_input_tokens_seen"
        case controller = "kl_controller"
    }

    private static let fileName = "trainer_state.json"

    func write(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: directory.appending(path: Self.fileName))
    }

    /// - Throws: ``RunError`` where the file is missing or damaged.
    static func read(from directory: URL) throws -> TrainerState {
        let file = directory.appending(path: fileName)
        do {
            return try JSONDecoder().decode(TrainerState.self, from: Data(contentsOf: file))
        } catch {
            throw RunError.other("\(file.path): damaged; delete this checkpoint to go on from the one before it")
        }
    }
}
