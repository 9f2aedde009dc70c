import PreferenceData
import Runs
import Torch
import Transformers

/// A reward model as a scorer: the score on the last token of prompt and response that is not the model's padding.
package final class ModelScorer: Scorer {
    private let model: DecoderModel
    private let name: String
    private let maxTokens: Int
    /// Subtracted from every score.
    private let offset: Double

    /// - Parameters:
    ///   - name: What messages call it.
    ///   - maxTokens: Most tokens of one forward pass.
    ///   - offset: What is subtracted from every score.
    package init(
        _ model: DecoderModel, named name: String = "the model", maxTokens: Int, offset: Double = 0
    ) {
        self.model = model
        self.name = name
        self.maxTokens = maxTokens
        self.offset = offset
    }

    package func scores(_ items: [ScoredItem]) throws -> [Double] {
        let examples = items.enumerated().map {
            TokenizedCompletion(index: $0, prompt: $1.prompt, completion: $1.response)
        }
        var scores = [Double](repeating: .nan, count: items.count)
        for (indices, values) in batches(of: examples) {
            for (index, value) in zip(indices, values) {
                scores[index] = try checked(value, of: "response \(index + 1) of \(items.count)")
            }
        }
        return scores
    }

    /// The scores of both responses of each pair, the prompt computed once.
    ///
    /// - Parameter goesOn: Asked before each pass; `false` leaves out the rest.
    package func pairScores(_ pairs: [TokenizedPair], while goesOn: () -> Bool = { true }) throws -> [ScoredPair] {
        try batches(of: pairs, while: goesOn).flatMap { indices, values in
            try indices.enumerated().map { row, index in
                ScoredPair(
                    index: index, chosenReward: try checked(values[2 * row], of: "pair \(index)"),
                    rejectedReward: try checked(values[2 * row + 1], of: "pair \(index)"))
            }
        }
    }

    private func checked(_ score: Double, of item: String) throws(ModelOutputError) -> Double {
        guard let fault = ScoreRange.fault(of: score) else { return score }
        throw ModelOutputError("reward \(name): the score of \(item)", score, fault: fault)
    }

    private func batches(
        of examples: [some PackableExample], while goesOn: () -> Bool = { true }
    ) -> [(indices: [Int], scores: [Double])] {
        withoutGradients {
            ResponseBatch.microBatches(examples, maxTokens: maxTokens).compactMap { batch in
                guard goesOn() else { return nil }
                let rows = batch.scoredRows(padding: model.padTokenID)
                return (batch.indices, model.scores(batch.rows, at: rows).doubles().map { $0 - offset })
            }
        }
    }
}
