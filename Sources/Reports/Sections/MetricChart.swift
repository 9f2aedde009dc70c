import Runs
import Stages

/// Which metrics stand in one chart, and under which title.
struct MetricChart {
    /// A metric, and what its curve is called beside others.
    struct Metric {
        var name: String
        var label: String?
        /// Whether it is measured on held-out data now and then.
        var isHeldOut = false
        /// Which of the chart's metrics it is, or is the same on held-out data as.
        var place = 0
    }

    var title: String
    var metrics: [Metric]

    /// What the curve of a metric is called beside the others.
    func label(of metric: Metric) -> String {
        if let label = metric.label { return label }
        // Of one metric, and the same on held-out data, the title says the name.
        let isOnly = metrics.allSatisfy { $0.name == metric.name || $0.isHeldOut }
        return isOnly ? "training" : metric.name.split(separator: "/").last.map(String.init) ?? metric.name
    }

    /// The charts of a stage that are shown at once, and its other metrics.
    ///
    /// - Parameter names: The metrics that the stage has.
    static func charts(of type: String?, with names: [String]) -> (shown: [MetricChart], others: [String]) {
        var left = names.filter { !isApart($0) }
        var charts: [MetricChart] = []
        for (title, metrics) in themes {
            let present = metrics.filter { left.contains($0.name) || left.contains("eval_\($0.name)") }
            let found = present.enumerated().flatMap { place, metric -> [Metric] in
                let (name, label) = metric
                return [
                    left.contains(name) ? Metric(name: name, label: label, place: place) : nil,
                    left.contains("eval_\(name)")
                        ? Metric(name: "eval_\(name)", label: "held out", isHeldOut: true, place: place)
                        : nil,
                ].compactMap(\.self)
            }
            guard !found.isEmpty else { continue }
            left.removeAll { name in found.contains { $0.name == name } }
            charts.append(MetricChart(title: title, metrics: found))
        }
        // What a stage calls telling, and no theme has, is shown by its own name.
        let keys = type.flatMap { Registry.standard.stage(ofType: $0) }.map { Swift.type(of: $0).keyMetrics } ?? []
        for name in keys where left.contains(name) {
            charts.append(MetricChart(title: name, metrics: [Metric(name: name)]))
            left.removeAll { $0 == name }
        }
        func rank(_ chart: MetricChart) -> Int {
            chart.metrics.compactMap { metric in keys.firstIndex(of: metric.name) }.min() ?? keys.count
        }
        let ranked = charts.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
        return (ranked.map(\.element), left + names.filter { isApart($0) && $0 != "epoch" && $0 != "episode" })
    }

    /// Whether a metric is drawn as it is, since it has no noise.
    static func isExact(_ name: String) -> Bool {
        ["learning_rate", "lr", "objective/kl_coef", "epoch", "episode", "num_tokens"].contains(name)
            || name.hasPrefix("eval_")
    }

    /// Clocks and counters, which belong to other sections or to none.
    private static func isApart(_ name: String) -> Bool {
        ["epoch", "episode", "num_tokens"].contains(name) || name.hasPrefix("timing/") || name.hasPrefix("perf/")
    }

    /// Metrics by TRL's names that say something together.
    private static let themes: [(title: String, metrics: [(name: String, label: String?)])] = [
        ("Loss", [("loss", nil)]),
        ("Accuracy", [("accuracy", nil)]),
        ("Preference accuracy", [("rewards/accuracies", nil)]),
        ("Token accuracy", [("mean_token_accuracy", nil)]),
        ("Margin", [("margin", nil)]),
        ("Implicit reward margin", [("rewards/margins", nil)]),
        ("Implicit rewards", [("rewards/chosen", "chosen"), ("rewards/rejected", "rejected")]),
        ("Log-probabilities of answers", [("logps/chosen", "chosen"), ("logps/rejected", "rejected")]),
        ("Score", [("objective/scores", nil), ("reward", nil), ("mean_reward", nil)]),
        ("KL to the reference", [("objective/kl", nil), ("kl", nil)]),
        ("Response length", [("completions/mean_length", nil)]),
        ("Share of responses cut off", [("completions/clipped_ratio", nil)]),
        ("Entropy", [("policy/entropy_avg", nil), ("entropy", nil)]),
        ("Clipped ratios", [("policy/clipfrac_avg", nil), ("clip_ratio/region_mean", nil)]),
        ("Policy loss", [("loss/policy_avg", nil)]),
        ("Value loss", [("loss/value_avg", nil)]),
        ("Explained variance of values", [("val/explained_var", nil)]),
        ("Learning rate", [("learning_rate", nil), ("lr", nil)]),
        ("Gradient norm", [("grad_norm", nil)]),
    ]
}
