import Foundation
import MPI
import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A preference loss against reference log-probabilities that were computed once.
package struct DPOObjective: OfflineObjective {
    package let loss: DPOLoss
    /// Sums of the reference's log-probabilities by the pair's index.
    package let reference: [Int: ReferenceLogps]

    /// A loss with the reference's sums by the pair's index.
    package init(loss: DPOLoss, reference: [Int: ReferenceLogps]) {
        (self.loss, self.reference) = (loss, reference)
    }

    package func weight(of example: TokenizedPair) -> Int { 1 }

    package func loss(_ model: DecoderModel, _ batch: ResponseBatch, stepWeight: Int) -> LossTerm<DPOMetrics> {
        let policy = PairLogps(
            model.tokenLogps(batch.rows, predictions: batch.predictions),
            responses: batch.predictions.sequences.map(Int.init), pairCount: batch.indices.count)
        let sums = batch.indices.map { index in
            guard let logps = reference[index] else { preconditionFailure("pair \(index) has no reference") }
            return logps
        }
        return loss(
            policy: policy,
            reference: PairLogps(
                chosen: Tensor(sums.map { Float($0.chosen) }), rejected: Tensor(sums.map { Float($0.rejected) }),
                chosenLengths: policy.chosenLengths, rejectedLengths: policy.rejectedLengths),
            globalPairs: stepWeight)
    }
}
