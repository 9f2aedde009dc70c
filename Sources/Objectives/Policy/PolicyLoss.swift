import Torch

/// The loss of a policy gradient: a ``Surrogate`` of each response token, of the ratio to the policy that it is improved from,
/// brought to one number by a ``LossAggregation``; and, where it is asked for, the divergence from a reference.
package struct PolicyLoss: Sendable {
    /// What a token counts by its ratio and its advantage.
    package var surrogate: any Surrogate
    /// Whether ratios are of tokens or of responses.
    package var ratioLevel: RatioLevel
    /// How tokens make one number.
    package var aggregation: LossAggregation
    /// What the divergence from the reference is multiplied by before it is added, β of GRPO; 0 for none.
    package var klCoefficient: Double
    /// Whether the divergence is multiplied by the ratio, so that its gradient is that of the reverse divergence
    /// (DeepSeek-V3.2, arXiv 2512.02556).
    package var weighsDivergence: Bool

    package init(
        _ surrogate: any Surrogate, ratioLevel: RatioLevel = .token, aggregation: LossAggregation = .tokens,
        klCoefficient: Double = 0, weighsDivergence: Bool = false
    ) {
        precondition(klCoefficient >= 0, "a weight of \(klCoefficient)")
        (self.surrogate, self.ratioLevel, self.aggregation) = (surrogate, ratioLevel, aggregation)
        (self.klCoefficient, self.weighsDivergence) = (klCoefficient, weighsDivergence)
    }

    /// Whether a loss reads log-probabilities under the reference.
    package var needsReference: Bool { surrogate.needsReference || klCoefficient > 0 }

    /// The loss of a micro-batch.
    ///
    /// - Parameter counts: What the whole optimizer step has.
    package func callAsFunction(_ batch: PolicyBatch, of counts: PolicyCounts) -> LossTerm<PolicyMetrics> {
        let logps = batch.tokens.logps
        // Bounded, so that one token that left the old policy altogether does not make the gradient infinite.
        let logRatios = (logps - batch.oldLogps.detached()).clamped(-20, 20)
        let ratios = logRatios.exp()
        let levelRatios = ratioLevel == .token ? ratios : ratioLevel.ratios(batch)
        let surrogates = surrogate(
            SurrogateTokens(
                logps: logps, ratios: levelRatios,
                advantages: batch.advantages.detached(), referenceLogps: batch.referenceLogps?.detached()))
        var losses = surrogates.losses
        if let weights = batch.behaviourWeights { losses = losses * weights.detached() }
        var divergences: Tensor?
        if klCoefficient > 0 {
            guard let reference = batch.referenceLogps else { preconditionFailure("a loss without its reference") }
            // k3 of Schulman's note, whose gradient is that of the divergence.
            let gaps = (reference.detached() - logps).clamped(-20, 20)
            var divergence = gaps.exp() - gaps - 1
            if weighsDivergence { divergence = divergence * levelRatios }
            losses = losses + divergence * klCoefficient
            divergences = divergence
        }
        if let counted = batch.counted { losses = losses * counted }
        if let shares = aggregation.shares(batch) { losses = losses * shares }
        let sum = losses.sum()

        let clippedCount = surrogates.clipped.map { $0.converted(to: .float32).sum() } ?? Tensor([0] as [Float])
        let more = [divergences, batch.behaviourWeights].map { $0.map { [$0.sum()] } ?? [] }
        let divisor = aggregation.divisor(batch.counts)
        return LossTerm(
            value: sum * (1 / aggregation.divisor(counts)),
            figures: [logRatios, ratios, sum, clippedCount, batch.tokens.statistics.sum(0)] + more[0] + more[1]
        ) { numbers in
            var metrics = PolicyMetrics(logRatios: numbers[0], ratios: numbers[1])
            (metrics.loss, metrics.divisor) = (numbers[2][0], divisor)
            (metrics.clipped, metrics.entropy) = (numbers[3][0], numbers[4][0])
            metrics.divergence = more[0].isEmpty ? 0 : numbers[5][0]
            metrics.behaviourWeights = more[1].isEmpty ? metrics.tokens : numbers[5 + more[0].count][0]
            return metrics
        }
    }
}

/// What a policy's loss knows of a micro-batch of responses, of `n` tokens together.
package struct PolicyBatch {
    /// Log-probabilities of the tokens under the policy, with gradient, and their statistics.
    package var tokens: TokenLogps
    /// Which of the batch's responses each token is of, from 0.
    package var responses: [Int]
    /// Log-probabilities before the first update on the step, `[n]`.
    package var oldLogps: Tensor
    /// Advantages, `[n]`.
    package var advantages: Tensor
    /// Log-probabilities under the reference, `[n]`, where they are known.
    package var referenceLogps: Tensor?
    /// What multiplies each token's surrogate where an older policy drew it, `[n]`; see ``BehaviourWeights``.
    package var behaviourWeights: Tensor?
    /// 1 for each token that counts and 0 for each that does not, `[n]`; `nil` where all do.
    package var counted: Tensor?
    /// What the micro-batch adds to ``PolicyCounts``.
    package let counts: PolicyCounts

    /// - Parameters:
    ///   - responseCount: How many of the responses count.
    ///   - countsResponse: Whether the tokens of each response count; all do where there is none.
    package init(
        tokens: TokenLogps, responses: [Int], responseCount: Int, oldLogps: Tensor, advantages: Tensor,
        referenceLogps: Tensor? = nil, behaviourWeights: Tensor? = nil, countsResponse: [Bool]? = nil
    ) {
        let shape = tokens.logps.shape
        precondition(
            shape == [responses.count] && shape == oldLogps.shape && shape == advantages.shape,
            "\(shape) log-probabilities of \(responses.count) tokens, \(oldLogps.shape) old ones, "
                + "\(advantages.shape) advantages")
        (self.tokens, self.responses, self.oldLogps, self.advantages) = (tokens, responses, oldLogps, advantages)
        (self.referenceLogps, self.behaviourWeights) = (referenceLogps, behaviourWeights)
        // Where every token counts there is nothing to multiply by.
        let kept = countsResponse.flatMap { $0.allSatisfy(\.self) ? nil : $0 }
        counted = kept.map { kept in Tensor(responses.map { kept[$0] ? Float(1) : 0 }) }
        counts = PolicyCounts(
            tokens: kept.map { kept in responses.count { kept[$0] } } ?? responses.count, responses: responseCount)
    }
}

/// What the losses of an optimizer step are divided by.
package struct PolicyCounts: Sendable, Equatable {
    /// Response tokens that count.
    package var tokens: Int
    /// Responses that count, those included whose tokens do not.
    package var responses: Int

    package init(tokens: Int, responses: Int) { (self.tokens, self.responses) = (tokens, responses) }
}
