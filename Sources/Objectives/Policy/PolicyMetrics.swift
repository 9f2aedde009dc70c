import Torch

/// Sums of a policy's loss over response tokens.
public struct PolicyMetrics: AdditiveMetrics {
    /// Response tokens.
    public var tokens = 0.0
    /// Sum of their losses, as they are aggregated.
    public var loss = 0.0
    /// What that is divided by: tokens, or responses.
    public var divisor = 0.0
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
    /// Sum of divergences from the reference that are part of the loss.
    public var divergence = 0.0
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
            \.behaviourWeights, \.divisor, \.divergence,
        ]
    }

    /// TRL's names. All are means over tokens; `val/ratio_var` is the variance over tokens.
    public var report: [String: Double] {
        guard tokens > 0 else { return [:] }
        let ratio = ratios / tokens
        return [
            "loss/policy_avg": loss / max(1, divisor),
            "policy/approxkl_avg": 0.5 * squaredLogRatios / tokens,
            "policy/clipfrac_avg": clipped / tokens,
            "policy/entropy_avg": entropy / tokens,
            "val/ratio": ratio,
            "val/ratio_var": max(0, squaredRatioOffsets / tokens - (ratio - 1) * (ratio - 1)),
            "sampling/importance_sampling_ratio": behaviourWeights / tokens,
        ]
    }
}
