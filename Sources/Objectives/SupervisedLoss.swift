import Torch

/// Cross-entropy of the response tokens: `-sum(logps) / tokens of the step`.
public struct SupervisedLoss: Sendable, Equatable {
    /// The loss has no settings.
    public init() {}

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - tokens: log-probabilities `[n]` of the response tokens, with their statistics.
    ///   - globalTokens: how many response tokens the whole optimizer step has.
    public func callAsFunction(_ tokens: TokenLogps, globalTokens: Int) -> LossTerm<SupervisedMetrics> {
        let sum = tokens.logps.sum()
        let count = Double(tokens.logps.count)
        return LossTerm(value: sum * (-1 / Double(globalTokens)), figures: [sum, tokens.statistics.sum(0)]) { numbers in
            var metrics = SupervisedMetrics()
            (metrics.tokens, metrics.logps) = (count, numbers[0][0])
            (metrics.entropy, metrics.correct) = (numbers[1][0], numbers[1][2])
            return metrics
        }
    }
}

/// Sums of supervised fine-tuning over response tokens.
public struct SupervisedMetrics: AdditiveMetrics {
    /// Response tokens.
    public var tokens = 0.0
    /// Sum of their log-probabilities.
    public var logps = 0.0
    /// Sum of the entropies of the distributions they are drawn from, in nats.
    public var entropy = 0.0
    /// Tokens that are the most likely ones.
    public var correct = 0.0

    /// Nothing counted.
    public init() {}

    /// See ``AdditiveMetrics``.
    public static var additive: [WritableKeyPath<Self, Double>] { [\.tokens, \.logps, \.entropy, \.correct] }

    /// `loss`, `entropy` and `mean_token_accuracy`, means over tokens.
    public var report: [String: Double] {
        guard tokens > 0 else { return [:] }
        return ["loss": -logps / tokens, "entropy": entropy / tokens, "mean_token_accuracy": correct / tokens]
    }
}
