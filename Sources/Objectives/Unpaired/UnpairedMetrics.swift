/// Sums over answers with a label, and over their tokens; `chosen` are the desirable ones, as TRL names them.
public struct UnpairedMetrics: AdditiveMetrics {
    /// Sums of one label.
    struct Side: Sendable, Equatable {
        /// Answers.
        var count = 0.0
        /// Sum of implicit rewards, β times the log-ratio.
        var rewards = 0.0
        /// Sum of log-probabilities.
        var logps = 0.0
        /// Predicted tokens.
        var tokens = 0.0
        /// Sum over these of their mean logit.
        var logits = 0.0
    }

    var chosen = Side()
    var rejected = Side()
    /// Sum of the losses.
    var loss = 0.0
    /// Sum over answers of the divergence that their losses took.
    var divergence = 0.0
    /// Sum of the entropies of the distributions that tokens are drawn from, in nats.
    var entropy = 0.0

    /// Nothing counted.
    public init() {}

    /// - Parameters:
    ///   - numbers: Losses, implicit rewards and log-probabilities of the answers, then the statistics of their tokens
    ///     where these are known.
    ///   - answers: For each token its answer.
    init(_ numbers: [[Double]], labels: [Bool], answers: [Int], divergence: Double) {
        loss = numbers[0].reduce(0, +)
        self.divergence = divergence * Double(labels.count)
        for (answer, isDesirable) in labels.enumerated() {
            let side = Self.side(isDesirable)
            self[keyPath: side].count += 1
            self[keyPath: side].rewards += numbers[1][answer]
            self[keyPath: side].logps += numbers[2][answer]
        }
        guard numbers.count > 3 else { return }
        for (token, answer) in answers.enumerated() {
            let side = Self.side(labels[answer])
            entropy += numbers[3][3 * token]
            self[keyPath: side].tokens += 1
            self[keyPath: side].logits += numbers[3][3 * token + 1]
        }
    }

    private static func side(_ isDesirable: Bool) -> WritableKeyPath<Self, Side> { isDesirable ? \.chosen : \.rejected }

    /// See ``AdditiveMetrics``.
    public static var additive: [WritableKeyPath<Self, Double>] {
        let sides = [side(true), side(false)].flatMap { side in
            [\Side.count, \.rewards, \.logps, \.tokens, \.logits].map { side.appending(path: $0) }
        }
        return sides + [\.loss, \.divergence, \.entropy]
    }

    /// `loss` and `kl`, the divergence (0 where the loss takes none); `rewards/*` and `logps/*` as means over the answers
    /// of a label, where there are any; `logits/*` over their tokens, and `entropy` over those of both.
    public var report: [String: Double] {
        let count = chosen.count + rejected.count
        guard count > 0 else { return [:] }
        var report = ["loss": loss / count, "kl": divergence / count]
        for (name, side) in [("chosen", chosen), ("rejected", rejected)] where side.count > 0 {
            report["rewards/" + name] = side.rewards / side.count
            report["logps/" + name] = side.logps / side.count
            if side.tokens > 0 { report["logits/" + name] = side.logits / side.tokens }
        }
        if let first = report["rewards/chosen"], let second = report["rewards/rejected"] {
            report["rewards/margins"] = first - second
        }
        if chosen.tokens + rejected.tokens > 0 { report["entropy"] = entropy / (chosen.tokens + rejected.tokens) }
        return report
    }
}
