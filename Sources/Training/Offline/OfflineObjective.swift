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
    func loss(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> LossTerm<Metrics>

    /// Whether a pass without gradient gives the scores of all pairs of a step before its losses.
    var needsWholeStep: Bool { get }

    /// The scores of a micro-batch's pairs, in order, where the whole step is needed.
    func scores(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> [StepPairs.Scores]

    /// What the loss carries from step to step, at the start; checkpoints keep it.
    var initialState: [Double] { get }

    /// How many sums of ``LossTerm/observations`` the state moves by.
    var observationCount: Int { get }

    /// The state after a step with these sums over all micro-batches and ranks.
    func state(after observations: [Double], from state: [Double]) -> [Double]
}

extension OfflineObjective {
    package var needsWholeStep: Bool { false }
    package func scores(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> [StepPairs.Scores] {
        []
    }
    package var initialState: [Double] { [] }
    package var observationCount: Int { 0 }
    package func state(after observations: [Double], from state: [Double]) -> [Double] { state }
}

/// What is known of a whole optimizer step, or of all held-out examples, before the losses of its micro-batches.
package struct OfflineStep: Sendable {
    /// What its loss is divided by.
    package var weight: Int
    /// The pass over the data that it belongs to, from 0.
    package var epoch = 0
    /// What the loss carries from step to step.
    package var state: [Double] = []
    /// The scores of all its pairs, where they are needed.
    package var pairs: StepPairs?

    package init(weight: Int, epoch: Int = 0, state: [Double] = [], pairs: StepPairs? = nil) {
        (self.weight, self.epoch, self.state, self.pairs) = (weight, epoch, state, pairs)
    }
}
