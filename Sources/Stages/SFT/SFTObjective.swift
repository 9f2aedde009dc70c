import Objectives
import PreferenceData
import Runs
import Training
import Transformers

/// Supervised fine-tuning: next-token loss on responses alone.
package struct SFTObjective: OfflineObjective {
    package init() {}

    package func weights(of example: TokenizedCompletion) -> [Int] {
        [example.predictedCount]
    }

    package func loss(
        _ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep
    ) -> LossTerm<SupervisedMetrics> {
        SupervisedLoss()(model.tokenLogps(batch.rows, predictions: batch.predictions), globalTokens: step.weights[0])
    }
}
