/// The metrics of the steps since the last line of `metrics.jsonl`, and what the next line says of them.
///
/// As in transformers and TRL, a line has the mean of each figure over these steps, but for what only the latest step can
/// say: rates, gradient norm, evaluations and counts. A figure that was not finite at some of the steps counts at the others.
package struct MetricsInterval: Sendable, Equatable, Codable {
    /// The sum of a figure's finite values.
    private struct Sum: Equatable, Codable {
        var total = 0.0
        var count = 0
    }

    private var latest: MetricValues = [:]
    private var sums: [String: Sum] = [:]

    package init() {}

    /// Whether no step has come since the last line.
    package var isEmpty: Bool { latest.isEmpty }

    /// Takes in the metrics of a step.
    package mutating func add(_ metrics: MetricValues) {
        latest.merge(metrics)
        for (name, value) in metrics.entries where value.isFinite {
            sums[name, default: Sum()].total += value
            sums[name, default: Sum()].count += 1
        }
    }

    /// What a line says.
    package var values: MetricValues {
        var values = latest
        for name in latest.names where !Self.isOfLatestStep(name) {
            if let sum = sums[name] { values[name] = sum.total / Double(sum.count) }
        }
        return values
    }

    private static let ofLatestStep: Set = [
        "learning_rate", "lr", "grad_norm", "epoch", "num_tokens", "episode", "non_finite_steps", "objective/kl_coef",
    ]

    private static func isOfLatestStep(_ name: String) -> Bool {
        ofLatestStep.contains(name) || name.hasPrefix("eval_")
    }
}

/// Where the metrics stand when a checkpoint is made, so that a resumed run goes on with the same lines.
package struct MetricsState: Sendable, Equatable, Codable {
    /// The length of `metrics.jsonl`.
    package var position: UInt64
    /// The steps that no line has yet; `nil` for none.
    package var interval: MetricsInterval?

    package init(position: UInt64, interval: MetricsInterval? = nil) {
        (self.position, self.interval) = (position, interval)
    }
}
