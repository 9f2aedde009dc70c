import Objectives
import PreferenceData
import Runs
import Transformers

/// A loss over a fixed set of examples, as an ``OfflineTrainer`` needs it.
package protocol OfflineObjective {
    associatedtype Example: PackableExample
    associatedtype Metrics: AdditiveMetrics

    /// How much of the step's normaliser an example makes up: one a pair, or its response tokens.
    func weight(of example: Example) -> Int

    /// The share of a micro-batch in the step's loss, which is divided by the weight of the whole step, over all ranks.
    func loss(_ model: DecoderModel, _ batch: ResponseBatch, stepWeight: Int) -> LossTerm<Metrics>
}
