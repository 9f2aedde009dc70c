import Configuration
import Torch

/// Losses of answers that are desirable or are not: with `r` the log-ratio of policy to reference,
/// `w_D (1 - σ(β (r - z)))` for a desirable answer and `w_U (1 - σ(β (z - r)))` for another, as a mean over answers.
package struct UnpairedLoss: Sendable, Equatable {
    /// What log-ratios are compared with.
    package enum Kind: String, Sendable, ConfigurationWord {
        /// `z` is the divergence of policy and reference (arXiv 2402.01306, eq. 7; TRL's `kto`).
        case kto
        /// `z` is 0: the policy shall make desirable answers likelier than the reference does, and others less likely
        /// (APO-zero, arXiv 2408.06266, for answers apart; TRL's `apo_zero_unpaired`).
        case apoZeroUnpaired = "apo_zero_unpaired"
    }

    package var kind: Kind
    /// β, the strength of the tie to the reference.
    package var beta: Double
    /// `w_D`.
    package var desirableWeight: Double
    /// `w_U`.
    package var undesirableWeight: Double

    package init(_ kind: Kind = .kto, beta: Double = 0.1, desirableWeight: Double = 1, undesirableWeight: Double = 1) {
        (self.kind, self.beta) = (kind, beta)
        (self.desirableWeight, self.undesirableWeight) = (desirableWeight, undesirableWeight)
    }

    /// Whether `z` is ``MismatchedDivergence``, which takes mismatched completions.
    package var needsDivergence: Bool { kind == .kto }

    /// The losses of answers, `[n]`, with their weights.
    ///
    /// - Parameter divergence: `z`, where it is needed.
    package func losses(_ batch: UnpairedBatch, divergence: Double = 0) -> Tensor {
        let ratios = batch.logps - batch.referenceLogps.detached()
        // 1 - σ(x) is σ(-x), which keeps its digits where σ(x) is nearly 1.
        let shifted = needsDivergence ? ratios - divergence : ratios
        return (shifted * batch.byLabel(-beta, beta)).sigmoid() * batch.byLabel(desirableWeight, undesirableWeight)
    }

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - divergence: That of the whole optimizer step, where it is needed.
    ///   - globalAnswers: How many answers the whole optimizer step has.
    package func callAsFunction(
        _ batch: UnpairedBatch, divergence: Double = 0, globalAnswers: Int
    ) -> LossTerm<UnpairedMetrics> {
        let losses = losses(batch, divergence: divergence)
        let rewards = (batch.logps - batch.referenceLogps) * beta
        let labels = batch.isDesirable
        let (answers, divergence) = (batch.tokens?.answers ?? [], needsDivergence ? divergence : 0)
        return LossTerm(
            value: losses.sum() * (1 / Double(globalAnswers)),
            figures: [losses, rewards, batch.logps] + (batch.tokens.map { [$0.statistics] } ?? [])
        ) { UnpairedMetrics($0, labels: labels, answers: answers, divergence: divergence) }
    }
}

/// How far a policy is from its reference, from completions that answer other prompts:
/// `max(0, mean(log π - log π_ref))` (KTO, arXiv 2402.01306, 4.1). It has no gradient.
package enum MismatchedDivergence {
    /// - Parameter logRatios: Of each mismatched completion of the whole optimizer step the log-ratio of its sums. A
    ///   number that is not finite stays one.
    package static func estimate(_ logRatios: [Double]) -> Double {
        precondition(!logRatios.isEmpty, "a divergence over nothing")
        let mean = logRatios.reduce(0, +) / Double(logRatios.count)
        return mean < 0 ? 0 : mean
    }
}
