import Torch

/// A number for each response of `n` pairs.
package struct PairNumbers {
    /// Of the chosen responses, `[n]`.
    package var chosen: Tensor
    /// Of the rejected responses, `[n]`.
    package var rejected: Tensor

    package init(chosen: Tensor, rejected: Tensor) { (self.chosen, self.rejected) = (chosen, rejected) }
}

/// A micro-batch of pairs, its responses reduced to a number each as it is asked for.
package struct ReducedPairs {
    /// What is reduced.
    package let batch: PairBatch
    private let reduce: (PairLogps) -> PairNumbers

    package init(_ batch: PairBatch, by reduction: some Reduction, in seen: PairBatch? = nil) {
        self.batch = batch
        reduce = { reduction($0, in: seen ?? batch) }
    }

    private init(_ batch: PairBatch, reduce: @escaping (PairLogps) -> PairNumbers) {
        (self.batch, self.reduce) = (batch, reduce)
    }

    /// The same as a part sees it that carries another state.
    func with(state: [Double]) -> ReducedPairs { ReducedPairs(batch.with(state: state), reduce: reduce) }

    /// The policy's, with gradient.
    package var policy: PairNumbers { reduce(batch.policy) }

    /// A reference's.
    package func reference(_ index: Int = 0) -> PairNumbers { reduce(batch.references[index]) }

    /// Of log-ratios of the policy to a reference, with the policy's gradient.
    package func ratio(toReference index: Int = 0) -> PairNumbers { reduce(batch.policy - batch.references[index]) }
}

/// Scores of the responses of `n` pairs.
package struct PairScores {
    /// Of the chosen responses, `[n]`.
    package var chosen: Tensor
    /// Of the rejected responses, `[n]`.
    package var rejected: Tensor
    /// By how much the chosen response is ahead, `[n]`: `h` of the literature.
    package var margin: Tensor

    /// Scores with their difference, or another margin.
    package init(_ numbers: PairNumbers, margin: Tensor? = nil) {
        (chosen, rejected) = (numbers.chosen, numbers.rejected)
        self.margin = margin ?? chosen - rejected
    }
}
