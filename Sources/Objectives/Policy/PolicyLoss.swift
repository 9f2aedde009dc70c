import Torch

/// A loss of the policy over response tokens.
public protocol PolicyLoss: Sendable {
    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - tokens: log-probabilities `[n]` of the response tokens under the policy, with gradient, and their
    ///     statistics.
    ///   - oldLogps: those of the policy before its first update on this batch, `[n]`.
    ///   - advantages: advantages `[n]`, whitened if they are to be.
    ///   - behaviourWeights: what multiplies each token's loss where the tokens come from an older policy; see
    ///     ``ClippedPolicyLoss/behaviourWeights(oldLogps:sampledLogps:cap:)``.
    ///   - globalTokens: how many response tokens the whole optimizer step has.
    func callAsFunction(
        _ tokens: TokenLogps, oldLogps: Tensor, advantages: Tensor, behaviourWeights: Tensor?, globalTokens: Int
    ) -> LossTerm<PPOPolicyMetrics>
}
