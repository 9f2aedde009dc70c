import Torch

/// A loss on preference pairs, made of three parts.
///
/// The reduction makes a number of each response's token log-probabilities, the score compares a pair's numbers under
/// the policy and its references, and the link makes a loss of the scores.
package struct PreferenceLoss: Sendable {
    /// The name that `loss_type` takes.
    package let name: String
    /// Strength of the pull to the reference.
    package let beta: Double
    package let reduction: any Reduction
    package let score: any PairScore
    package let link: any Link

    package init(
        _ name: String, beta: Double, reduction: any Reduction, score: any PairScore, link: any Link
    ) {
        precondition(beta > 0, "beta \(beta)")
        (self.name, self.beta) = (name, beta)
        (self.reduction, self.score, self.link) = (reduction, score, link)
    }

    private var parts: [any LossPart] { [reduction, score, link] }

    /// What all parts need.
    package var needs: LossNeeds { parts.reduce(LossNeeds()) { $0.union($1.needs) } }

    /// What the losses of a step are divided by.
    package var denominator: LossDenominator { link.denominator }

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - stepWeight: The ``denominator`` of the whole optimizer step.
    ///   - state: What the loss carries from step to step.
    package func callAsFunction(
        _ batch: PairBatch, stepWeight: Int, state: [Double]? = nil
    ) -> LossTerm<DPOMetrics> {
        let states = slices(of: state ?? initialState, parts.map(\.initialState.count))
        let pairs = ReducedPairs(batch, by: reduction, in: batch.with(state: states[0]))
        let scores = score(pairs.with(state: states[1]))
        let losses = link(scores, beta: beta, in: batch.with(state: states[2]))
        let rewards = score.rewards(of: pairs.with(state: states[1]))
        let weights = zip(batch.policy.chosenLengths, batch.policy.rejectedLengths).map(denominator.weight)
        let weight = weights.reduce(0, +)
        let figures = [losses, rewards.chosen * beta, rewards.rejected * beta]
        return LossTerm(
            value: losses.sum() * (1 / Double(stepWeight)), figures: figures + DPOMetrics.figures(of: batch.policy),
            observations: zip(parts, states).flatMap { $0.observations(of: scores, in: batch.with(state: $1)) }
        ) { DPOMetrics($0, weight: weight) }
    }

    /// The scores of a micro-batch's pairs, for what needs those of the whole step.
    package func scores(of batch: PairBatch, state: [Double]? = nil) -> [StepPairs.Scores] {
        let states = slices(of: state ?? initialState, parts.map(\.initialState.count))
        let pairs = ReducedPairs(batch, by: reduction, in: batch.with(state: states[0]))
        let scores = score(pairs.with(state: states[1]))
        let (chosen, rejected, margins) = (scores.chosen.numbers, scores.rejected.numbers, scores.margin.numbers)
        return margins.indices.map {
            StepPairs.Scores(chosen: chosen[$0], rejected: rejected[$0], margin: margins[$0])
        }
    }

    // MARK: What is carried from step to step

    /// The state of all parts at the start.
    package var initialState: [Double] { parts.flatMap(\.initialState) }

    /// How many sums over a step the state moves by.
    package var observationCount: Int { parts.reduce(0) { $0 + $1.observationCount } }

    /// The state after a step with these sums over all micro-batches and ranks.
    package func state(after observations: [Double], from state: [Double]) -> [Double] {
        let states = slices(of: state, parts.map(\.initialState.count))
        let observed = slices(of: observations, parts.map(\.observationCount))
        return parts.indices.flatMap { parts[$0].state(after: observed[$0], from: states[$0]) }
    }

    private func slices(of numbers: [Double], _ counts: [Int]) -> [[Double]] {
        precondition(numbers.count == counts.reduce(0, +), "\(numbers.count) numbers for parts of \(counts)")
        var start = 0
        return counts.map { count in
            defer { start += count }
            return Array(numbers[start..<start + count])
        }
    }
}
