import Torch

/// PPO's clipped value loss a token: the mean over tokens of
/// `½ max((V - R)², (V_old + clamp(V - V_old, -ε, ε) - R)²)`.
public struct ClippedValueLoss: Sendable, Equatable {
    /// How far a value may go from its old one before it gives no more gradient, ε.
    public var clipRange: Double

    /// A loss with that clip range.
    public init(clipRange: Double = 0.2) {
        precondition(clipRange > 0, "clip range \(clipRange)")
        self.clipRange = clipRange
    }

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - values: the critic's values `[n]` at the response tokens, with gradient.
    ///   - oldValues: those before its first update on this batch, `[n]`.
    ///   - returns: what they should be, `[n]`.
    ///   - globalTokens: how many response tokens the whole optimizer step has.
    public func callAsFunction(
        _ values: Tensor, oldValues: Tensor, returns: Tensor, globalTokens: Int
    ) -> LossTerm<ValueMetrics> {
        precondition(
            values.shape == oldValues.shape && values.shape == returns.shape,
            "\(values.shape) values, \(oldValues.shape) old ones, \(returns.shape) returns")
        let (oldValues, returns) = (oldValues.detached(), returns.detached())
        let bounded = oldValues + (values - oldValues).clamped(-clipRange, clipRange)
        let unclipped = (values - returns).square()
        let clipped = (bounded - returns).square()
        let sum = unclipped.maximum(clipped).sum() * 0.5

        let clippedCount = clipped.isGreater(than: unclipped).converted(to: .float32).sum()
        return LossTerm(
            value: sum * (1 / Double(globalTokens)), figures: [values, returns, sum, clippedCount]
        ) { numbers in
            var metrics = ValueMetrics(values: numbers[0], returns: numbers[1])
            (metrics.loss, metrics.clipped) = (numbers[2][0], numbers[3][0])
            return metrics
        }
    }
}

/// Sums of PPO's critic over response tokens.
public struct ValueMetrics: AdditiveMetrics {
    /// Response tokens.
    public var tokens = 0.0
    /// Sum of their losses.
    public var loss = 0.0
    /// Tokens whose value is clipped to the effect that they have no gradient.
    public var clipped = 0.0
    /// Sum of values.
    public var values = 0.0
    /// Sum of returns.
    public var returns = 0.0
    /// Sum of squared returns.
    public var squaredReturns = 0.0
    /// Sum of returns minus values.
    public var errors = 0.0
    /// Sum of their squares.
    public var squaredErrors = 0.0

    /// Nothing counted.
    public init() {}

    init(values: [Double], returns: [Double]) {
        tokens = Double(values.count)
        for (value, target) in zip(values, returns) {
            self.values += value
            self.returns += target
            squaredReturns += target * target
            errors += target - value
            squaredErrors += (target - value) * (target - value)
        }
    }

    /// See ``AdditiveMetrics``.
    public static var additive: [WritableKeyPath<Self, Double>] {
        [
            \.tokens, \.loss, \.clipped, \.values, \.returns, \.squaredReturns, \.errors, \.squaredErrors,
        ]
    }

    /// TRL's names, means over tokens, and `val/explained_var`: the share of the returns' variance that values explain.
    public var report: [String: Double] {
        guard tokens > 0 else { return [:] }
        var report = [
            "loss/value_avg": loss / tokens, "val/clipfrac_avg": clipped / tokens, "val/value": values / tokens,
            "val/return": returns / tokens,
        ]
        let variance = { (squares: Double, sum: Double) in squares / tokens - sum / tokens * (sum / tokens) }
        let ofReturns = variance(squaredReturns, returns)
        if ofReturns > 1e-12 { report["val/explained_var"] = 1 - variance(squaredErrors, errors) / ofReturns }
        return report
    }
}
