import Foundation
import Objectives
import Runs
import Stages

/// What is measured, and on what.
package struct BenchmarkOptions: Sendable {
    /// Where the weights come from.
    package enum Model: Sendable {
        /// A Hugging Face directory.
        case directory(String)
        /// Random weights in the shape of a directory's `config.json`.
        case random(String)
    }

    /// The model.
    package var model: Model
    /// Where it lies, and the type of what it computes.
    package var compute = ComputeOptions()
    /// What is measured.
    package var items = BenchmarkItem.allCases
    /// Files of preference pairs; without them, lengths and tokens are made up.
    package var data: [String] = []
    /// Threads of a rank; `nil` for its share of the node's cores.
    package var threads: Int?
    /// Times that each item is measured, after one more to warm up.
    package var repeats = 5
    /// Pairs of an optimizer step, over all ranks.
    package var trainBatchSize = 8
    /// Most tokens of a forward and backward pass on a rank.
    package var maxTokensPerMicroBatch = 4096
    /// Most tokens of prompt and response, where pairs are read from files.
    package var maxLength = 512
    /// Tokens of a drawn response.
    package var responseLength = 64
    /// Responses that are drawn side by side.
    package var generationBatchSizes = [1, 8, 32, 64]
    /// Prompts of a step of PPO, over all ranks.
    package var rolloutBatchSize = 16
    /// Passes over the responses of a step of PPO.
    package var numPPOEpochs = 4
    /// The preference loss of `dpo`.
    package var loss = LossChoice()
    /// Whether the report names it.
    package var namesLoss = false

    /// All items on a model.
    package init(_ model: Model) {
        self.model = model
    }
}

/// One thing that is measured.
package enum BenchmarkItem: String, Sendable, CaseIterable {
    /// Steps of supervised fine-tuning.
    case sft
    /// Steps of reward training.
    case reward
    /// Steps of DPO, the reference's log-probabilities known.
    case dpo
    /// Log-probabilities of pairs under a frozen model.
    case scoring
    /// Drawing responses: prompts, and tokens by the number of slots.
    case decode
    /// Drawing 256 responses of very different lengths in 32 slots.
    case uneven
    /// An update of PPO, from prompts to weights.
    case ppo
}
