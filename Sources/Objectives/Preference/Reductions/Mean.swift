import Torch

/// `(1/T) Σ_t log p_t`, the log-probability a token; 0 for a response without a predicted token.
///
/// Another reduction's sum may stand in the place of `Σ_t log p_t`; T are the tokens that it takes in.
package struct Mean: Reduction {
    /// What is divided.
    package let base: any Reduction

    package init(_: NoLossOptions) { self.init(of: Sum()) }

    /// The mean of what a reduction sums up.
    package init(of base: any Reduction) { self.base = base }

    package var needs: LossNeeds { base.needs }
    package var conflict: LossConflict? { base.conflict }

    package func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers {
        base(logps, in: batch) / divisors(in: batch)
    }

    package func counts(in batch: PairBatch) -> (chosen: [Int], rejected: [Int]) { base.counts(in: batch) }

    /// The tokens of each response.
    func divisors(in batch: PairBatch) -> PairNumbers {
        let counts = counts(in: batch)
        return PairNumbers(divisors: counts.chosen, counts.rejected)
    }

    // MARK: What is carried from step to step is the base's

    package var initialState: [Double] { base.initialState }
    package var observationCount: Int { base.observationCount }

    package func observations(of scores: PairScores, in batch: PairBatch) -> [Double] {
        base.observations(of: scores, in: batch)
    }

    package func state(after observations: [Double], from state: [Double]) -> [Double] {
        base.state(after: observations, from: state)
    }
}

extension PreferenceLoss.Term {
    /// Takes another reduction; one that weighs or chooses tokens is averaged where the loss averages.
    mutating func replaceReduction(by other: any Reduction) {
        reduction = reduction is Mean && !(other is Mean) && !(other is Sum) ? Mean(of: other) : other
    }
}
