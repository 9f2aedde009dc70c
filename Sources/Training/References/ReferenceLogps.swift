import Objectives
import PreferenceData
import Runs
import Torch
import Transformers

/// The log-probabilities of a pair's responses under the reference, summed over their tokens. An example with one
/// response has those of a pair whose rejected response has no token: its sum is 0.
package struct ReferenceLogps: Equatable, Sendable {
    package var chosen: Double
    package var rejected: Double

    package init(chosen: Double, rejected: Double) {
        (self.chosen, self.rejected) = (chosen, rejected)
    }

    /// The sums of pairs on this process.
    ///
    /// - Parameter goesOn: Asked before each micro-batch; `false` leaves out the rest.
    package static func sums(
        of pairs: [some PackableExample], under model: DecoderModel, maxTokens: Int,
        while goesOn: () -> Bool = { true }
    ) -> [(index: Int, logps: ReferenceLogps)] {
        ResponseBatch.eachMicroBatch(of: pairs, maxTokens: maxTokens).flatMap { batch in
            goesOn() ? ReferenceRow.rows(of: batch, under: model, []).map { ($0.index, $0.logps) } : []
        }
    }
}

/// What a frozen model may be asked of each response token, besides sums over responses.
package struct ReferenceColumns: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Log-probabilities.
    package static let tokenLogps = ReferenceColumns(rawValue: 1)
    /// Entropies of the distributions, in nats.
    package static let entropies = ReferenceColumns(rawValue: 2)

    /// What a loss asks for.
    package init(_ needs: LossNeeds) {
        self = []
        if needs.tokenLogps { insert(.tokenLogps) }
        if needs.referenceEntropies { insert(.entropies) }
    }

    /// The columns that were asked for, by the names they have in files.
    package var names: [String] {
        (contains(.tokenLogps) ? ["token_logps"] : []) + (contains(.entropies) ? ["entropies"] : [])
    }
}

/// What a frozen model says of one pair.
package struct ReferenceRow: Sendable, Equatable {
    /// The index of the pair's record in the data set.
    package var index: Int
    package var logps: ReferenceLogps
    /// Of the predicted tokens of the chosen response, then of the rejected one; empty where not asked for.
    package var tokenLogps: [Float] = []
    /// Likewise.
    package var entropies: [Float] = []

    package init(index: Int, logps: ReferenceLogps, tokenLogps: [Float] = [], entropies: [Float] = []) {
        (self.index, self.logps, self.tokenLogps, self.entropies) = (index, logps, tokenLogps, entropies)
    }

    /// Those of a micro-batch of pairs, or of examples with one response, in its order.
    package static func rows(
        of batch: ResponseBatch, under model: DecoderModel, _ columns: ReferenceColumns
    ) -> [ReferenceRow] {
        withoutGradients {
            let found = model.tokenLogps(batch.rows, predictions: batch.predictions)
            let sums = found.logps.summed(
                intoGroups: Tensor(indices: batch.predictions.sequences), count: batch.sequenceCount
            ).doubles()
            let logps = columns.contains(.tokenLogps) ? found.logps.floats() : []
            let statistics = columns.contains(.entropies) ? found.statistics.floats() : []
            let responses = batch.sequenceCount / max(1, batch.indices.count)
            var start = 0
            return batch.indices.enumerated().map { row, index in
                let (first, last) = (responses * row, responses * row + responses - 1)
                let end = batch.predictions.sequences[start...].firstIndex { $0 > last } ?? batch.predictions.count
                defer { start = end }
                return ReferenceRow(
                    index: index, logps: ReferenceLogps(chosen: sums[first], rejected: responses > 1 ? sums[last] : 0),
                    tokenLogps: logps.isEmpty ? [] : Array(logps[start..<end]),
                    entropies: statistics.isEmpty ? [] : (start..<end).map { statistics[3 * $0] })
            }
        }
    }

    /// The first number that is not finite.
    package var notFinite: Double? {
        [logps.chosen, logps.rejected].first { !$0.isFinite }
            ?? (tokenLogps + entropies).first { !$0.isFinite }.map { Double($0) }
    }
}

extension TokenizedPair {
    /// How many tokens of each response are predicted: the first of a response to nothing is not.
    package var predictedCounts: (chosen: Int, rejected: Int) {
        let first = prompt.isEmpty ? 1 : 0
        return (chosen.count - first, rejected.count - first)
    }
}
