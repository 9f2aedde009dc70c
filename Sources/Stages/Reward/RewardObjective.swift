import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// Bradley-Terry training of the score of each response: at its last token that is not the model's padding.
package struct RewardObjective: OfflineObjective {
    package let loss: BradleyTerryLoss

    package init(loss: BradleyTerryLoss) { self.loss = loss }

    package func weights(of example: TokenizedPair) -> [Int] { [1] }

    package func loss(
        _ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep
    ) -> LossTerm<BradleyTerryMetrics> {
        let pairs = batch.sequenceCount / 2
        let scores = model.scores(batch.rows, at: batch.scoredRows(padding: model.padTokenID)).reshaped([pairs, 2])
        return loss(
            chosen: scores.narrowed(1, 0..<1).reshaped([pairs]), rejected: scores.narrowed(1, 1..<2).reshaped([pairs]),
            globalPairs: step.weights[0])
    }
}
