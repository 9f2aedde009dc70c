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
    private let reduction: any Reduction
    /// As the reduction sees it.
    private let seen: PairBatch

    package init(_ batch: PairBatch, by reduction: any Reduction, in seen: PairBatch? = nil) {
        (self.batch, self.reduction, self.seen) = (batch, reduction, seen ?? batch)
    }

    /// The same as a part sees it that carries another state.
    func with(state: [Double], term: Int? = nil) -> ReducedPairs {
        ReducedPairs(batch.with(state: state, term: term), by: reduction, in: seen)
    }

    /// The policy's, with gradient.
    package var policy: PairNumbers { reduction(batch.policy, in: seen) }

    /// A reference's.
    package func reference(_ index: Int = 0) -> PairNumbers { reduction(batch.references[index], in: seen) }

    /// Of log-ratios of the policy to a reference, with the policy's gradient.
    package func ratio(toReference index: Int = 0) -> PairNumbers {
        reduction(batch.policy - batch.references[index], in: seen)
    }

    /// The same, not yet divided by tokens where the reduction is a mean, and what is to be divided by.
    package func undividedRatio(toReference index: Int = 0) -> (ratio: PairNumbers, divisors: PairNumbers?) {
        guard let mean = reduction as? Mean else { return (ratio(toReference: index), nil) }
        let ratio = mean.base(batch.policy - batch.references[index], in: seen)
        return (ratio, mean.divisors(in: seen))
    }
}

/// Scores of the responses of `n` pairs.
package struct PairScores {
    /// Of the chosen responses, `[n]`.
    package var chosen: Tensor
    /// Of the rejected responses, `[n]`.
    package var rejected: Tensor
    /// By how much the chosen response is ahead, `[n]`: `h` of the literature.
    package var margin: Tensor
    /// What is averaged in place of these scores' loss: the losses of others, each with its weights `[n]`.
    package var mixture: [(weights: Tensor, scores: PairScores)] = []

    /// Scores with their difference, or another margin.
    package init(_ numbers: PairNumbers, margin: Tensor? = nil) {
        (chosen, rejected) = (numbers.chosen, numbers.rejected)
        self.margin = margin ?? chosen - rejected
    }
}
