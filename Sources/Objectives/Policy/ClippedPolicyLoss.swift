import Torch

/// PPO's clipped policy loss a token (Schulman et al. 2017): the mean over tokens of
/// `max(-A ρ, -A clamp(ρ, 1 - ε, 1 + ε))` with `ρ = exp(logp - old logp)`.
///
/// The mean is over all response tokens of the optimizer step, so long and short responses weigh by their tokens
/// however they are divided into micro-batches.
public struct ClippedPolicyLoss: PolicyLoss, Equatable {
    /// How far a ratio may go from 1 before it gives no more gradient, ε.
    public var clipRange: Double

    /// A loss with that clip range.
    public init(clipRange: Double = 0.2) {
        precondition(clipRange > 0, "clip range \(clipRange)")
        self.clipRange = clipRange
    }

    /// See ``PolicyLoss``.
    public func callAsFunction(
        _ tokens: TokenLogps, oldLogps: Tensor, advantages: Tensor, behaviourWeights: Tensor? = nil, globalTokens: Int
    ) -> LossTerm<PPOPolicyMetrics> {
        let logps = tokens.logps
        precondition(
            logps.shape == oldLogps.shape && logps.shape == advantages.shape,
            "\(logps.shape) log-probabilities, \(oldLogps.shape) old ones, \(advantages.shape) advantages")
        // Bounded, so that one token that left the old policy altogether does not make the gradient infinite.
        let logRatios = (logps - oldLogps.detached()).clamped(-20, 20)
        let ratios = logRatios.exp()
        let negatives = -advantages.detached()
        let unclipped = negatives * ratios
        let clipped = negatives * ratios.clamped(1 - clipRange, 1 + clipRange)
        var losses = unclipped.maximum(clipped)
        if let behaviourWeights { losses = losses * behaviourWeights.detached() }
        let sum = losses.sum()

        let clippedCount = clipped.isGreater(than: unclipped).converted(to: .float32).sum()
        let weights = behaviourWeights.map { [$0.sum()] } ?? []
        return LossTerm(
            value: sum * (1 / Double(globalTokens)),
            figures: [logRatios, ratios, sum, clippedCount, tokens.statistics.sum(0)] + weights
        ) { numbers in
            var metrics = PPOPolicyMetrics(logRatios: numbers[0], ratios: numbers[1])
            (metrics.loss, metrics.clipped, metrics.entropy) = (numbers[2][0], numbers[3][0], numbers[4][0])
            metrics.behaviourWeights = numbers.count > 5 ? numbers[5][0] : metrics.tokens
            return metrics
        }
    }

    /// Truncated importance weights `min(exp(old - sampled), cap)` of tokens that an older policy sampled, no gradient.
    ///
    /// - Parameters:
    ///   - oldLogps: log-probabilities under the policy that is being improved, before its first update on the batch.
    ///   - sampledLogps: those under the policy that sampled the tokens.
    ///   - cap: the largest weight.
    public static func behaviourWeights(oldLogps: Tensor, sampledLogps: Tensor, cap: Double = 2) -> Tensor {
        withoutGradients { (oldLogps - sampledLogps).exp().clamped(0, cap) }
    }
}

/// Sums of PPO's policy over response tokens.
public struct PPOPolicyMetrics: AdditiveMetrics {
    /// Response tokens.
    public var tokens = 0.0
    /// Sum of their losses.
    public var loss = 0.0
    /// Tokens whose ratio is clipped to the effect that they have no gradient.
    public var clipped = 0.0
    /// Sum of squared log-ratios to the old policy.
    public var squaredLogRatios = 0.0
    /// Sum of ratios to the old policy.
    public var ratios = 0.0
    /// Sum of their squares about 1, which cancel less than squares about 0.
    public var squaredRatioOffsets = 0.0
    /// Sum of entropies in nats.
    public var entropy = 0.0
    /// Sum of behaviour weights, 1 each where there are none.
    public var behaviourWeights = 0.0

    /// Nothing counted.
    public init() {}

    init(logRatios: [Double], ratios: [Double]) {
        tokens = Double(ratios.count)
        squaredLogRatios = logRatios.reduce(0) { $0 + $1 * $1 }
        self.ratios = ratios.reduce(0, +)
        squaredRatioOffsets = ratios.reduce(0) { $0 + ($1 - 1) * ($1 - 1) }
    }

    /// See ``AdditiveMetrics``.
    public static var additive: [WritableKeyPath<Self, Double>] {
        [
            \.tokens, \.loss, \.clipped, \.squaredLogRatios, \.ratios, \.squaredRatioOffsets, \.entropy,
            \.behaviourWeights,
        ]
    }

    /// TRL's names. All are means over tokens; `val/ratio_var` is the variance over tokens.
    public var report: [String: Double] {
        guard tokens > 0 else { return [:] }
        let ratio = ratios / tokens
        return [
            "loss/policy_avg": loss / tokens,
            "policy/approxkl_avg": 0.5 * squaredLogRatios / tokens,
            "policy/clipfrac_avg": clipped / tokens,
            "policy/entropy_avg": entropy / tokens,
            "val/ratio": ratio,
            "val/ratio_var": max(0, squaredRatioOffsets / tokens - (ratio - 1) * (ratio - 1)),
            "sampling/importance_sampling_ratio": behaviourWeights / tokens,
        ]
    }
}
