import Objectives
import PreferenceData
import Runs
import Transformers

/// A loss over a fixed set of examples, as an ``OfflineTrainer`` needs it.
package protocol OfflineObjective {
    associatedtype Example: PackableExample
    /// What the model is shown of an example before the losses of a step, where ``wholeStepTerms`` asks for that.
    associatedtype StepExample: PackableExample = Example
    associatedtype Metrics: AdditiveMetrics

    /// How much an example makes up of each number that the step's losses are divided by: one a pair, or its response tokens.
    func weights(of example: Example) -> [Int]

    /// The share of a micro-batch in the step's loss, which is divided by the weights of the whole step, over all ranks.
    func loss(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> LossTerm<Metrics>

    /// How many parts of the loss need the scores of all pairs of a step before its losses; a pass without gradient gives them.
    var wholeStepTerms: Int { get }

    /// An example as ``scores(_:_:of:)`` sees it: itself, unless said otherwise.
    func stepExample(of example: Example) -> StepExample

    /// The scores of a micro-batch's pairs, in order, for each of those parts.
    func scores(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> [[StepPairs.Scores]]

    /// What the example with an index is called in messages.
    func name(ofExample index: Int) -> String

    /// What the loss carries from step to step, at the start; checkpoints keep it.
    var initialState: [Double] { get }

    /// How many sums of ``LossTerm/observations`` the state moves by.
    var observationCount: Int { get }

    /// The state after a step with these sums over all micro-batches and ranks.
    func state(after observations: [Double], from state: [Double]) -> [Double]
}

extension OfflineObjective {
    package var wholeStepTerms: Int { 0 }
    package func scores(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> [[StepPairs.Scores]] {
        []
    }
    package func name(ofExample index: Int) -> String { String(index) }
    package var initialState: [Double] { [] }
    package var observationCount: Int { 0 }
    package func state(after observations: [Double], from state: [Double]) -> [Double] { state }
}

extension OfflineObjective where StepExample == Example {
    package func stepExample(of example: Example) -> Example { example }
}

/// What is known of a whole optimizer step, or of all held-out examples, before the losses of its micro-batches.
package struct OfflineStep: Sendable {
    /// What its losses are divided by, as ``OfflineObjective/weights(of:)`` has them.
    package var weights: [Int]
    /// The pass over the data that it belongs to, from 0.
    package var epoch = 0
    /// What the loss carries from step to step.
    package var state: [Double] = []
    /// The scores of all its pairs, where they are needed.
    package var pairs: StepPairs?
    /// What an adapter's dropout is drawn from; `nil` for none.
    package var dropoutSeed: UInt64?
    /// What the model's routers do with all its rows, where the loss has a term of that.
    package var routing: RouterLoad?

    package init(weights: [Int], epoch: Int = 0, state: [Double] = [], pairs: StepPairs? = nil) {
        (self.weights, self.epoch, self.state, self.pairs) = (weights, epoch, state, pairs)
    }
}
