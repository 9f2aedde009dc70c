import PreferenceData
import Torch
import Transformers

/// A reward model as a scorer: the score on the last token of prompt and response.
package final class ModelScorer: Scorer {
    private let model: Transformers.Decoder
    private let maxTokens: Int
    /// Subtracted from every score.
    private let offset: Double

    /// - Parameters:
    ///   - maxTokens: Most tokens of one forward pass.
    ///   - offset: What is subtracted from every score.
    package init(_ model: Transformers.Decoder, maxTokens: Int, offset: Double = 0) {
        self.model = model
        self.maxTokens = maxTokens
        self.offset = offset
    }

    package func scores(_ items: [ScoredItem]) throws -> [Double] {
        let examples = items.enumerated().map {
            TokenizedCompletion(index: $0, prompt: $1.prompt, completion: $1.response)
        }
        var scores = [Double](repeating: .nan, count: items.count)
        for (indices, values) in batches(of: examples) {
            for (index, value) in zip(indices, values) { scores[index] = value }
        }
        return scores
    }

    /// The scores of both responses of each pair, the prompt computed once.
    func pairScores(_ pairs: [TokenizedPair]) throws -> [ScoredPair] {
        batches(of: pairs).flatMap { indices, values in
            indices.enumerated().map { place, index in
                ScoredPair(index: index, chosenReward: values[2 * place], rejectedReward: values[2 * place + 1])
            }
        }
    }

    private func batches(of examples: [some PackableExample]) -> [(indices: [Int], scores: [Double])] {
        withoutGradients {
            ResponseBatch.microBatches(examples, maxTokens: maxTokens).map { batch in
                (batch.indices, model.scores(batch.rows, at: batch.lastRows).doubles().map { $0 - offset })
            }
        }
    }
}
