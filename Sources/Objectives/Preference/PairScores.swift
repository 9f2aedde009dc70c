import Torch

/// A number for each response of `n` pairs.
package struct PairNumbers {
    /// Of the chosen responses, `[n]`.
    package var chosen: Tensor
    /// Of the rejected responses, `[n]`.
    package var rejected: Tensor

    package init(chosen: Tensor, rejected: Tensor) { (self.chosen, self.rejected) = (chosen, rejected) }

    /// Counts of tokens to divide by: a response without any is divided by 1.
    init(divisors chosen: [Int], _ rejected: [Int]) {
        let tensor = { (counts: [Int]) in Tensor(counts.map { Float(max(1, $0)) }) }
        self.init(chosen: tensor(chosen), rejected: tensor(rejected))
    }

    static func / (left: PairNumbers, right: PairNumbers) -> PairNumbers {
        PairNumbers(chosen: left.chosen / right.chosen, rejected: left.rejected / right.rejected)
    }
}

extension PairLogps {
    /// Means over each response of numbers of its tokens, or of sums of such.
    func means(of sums: PairNumbers) -> PairNumbers { sums / PairNumbers(divisors: chosenLengths, rejectedLengths) }
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
        let (ratio, divisors) = undividedRatio(toReference: index)
        return divisors.map { ratio / $0 } ?? ratio
    }

    /// The same, not yet divided by tokens where the reduction is a mean, and what is to be divided by.
    package func undividedRatio(toReference index: Int = 0) -> (ratio: PairNumbers, divisors: PairNumbers?) {
        let mean = reduction as? Mean
        let (base, reference) = (mean?.base ?? reduction, batch.references[index])
        let divisors = mean?.divisors(in: seen)
        guard let base = base as? any WeightedSum else { return (base(batch.policy - reference, in: seen), divisors) }
        // Sums apart, as those are that came with the data or stand in a table: weights of 1 give their difference to the bit.
        let weights = base.weights(of: batch.policy.knownTokens, in: seen)
        let (own, other) = (batch.policy.sums(weighing: weights), reference.sums(weighing: weights))
        return (PairNumbers(chosen: own.chosen - other.chosen, rejected: own.rejected - other.rejected), divisors)
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
