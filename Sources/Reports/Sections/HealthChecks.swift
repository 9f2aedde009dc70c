import Foundation
import Runs
import Stages

/// What in a stage's numbers is likely to be wrong, as those who train know it.
///
/// The bounds are rules of thumb, and each warning says what it saw.
package enum HealthChecks {
    /// One line each.
    package static func warnings(of stage: StageRecord) -> [String] {
        guard let curves = stage.curves else { return evaluation(stage) }
        return [
            notFinite(curves), divergence(curves), truncation(curves), growth(curves), accuracy(curves),
            clipping(curves),
        ]
        .compactMap(\.self) + evaluation(stage)
    }

    private static func notFinite(_ curves: StageCurves) -> String? {
        let steps = Set(curves.nonFinite.values.flatMap(\.self)).sorted()
        guard let first = steps.first else { return nil }
        let names = curves.nonFinite.filter { !$0.value.isEmpty }.keys.sorted().prefix(3).joined(separator: ", ")
        return "\(names): not finite at \(HumanFormat.counted(steps.count, "step")), first at step \(Int(first))"
    }

    /// A KL divergence that ends far above what it was.
    private static func divergence(_ curves: StageCurves) -> String? {
        for name in ["objective/kl", "kl"] {
            guard let (early, late) = ends(of: name, in: curves) else { continue }
            let peak = curves.points(of: name).max { $0.value < $1.value }
            if late > 20, late > 5 * max(early, 1) {
                return "\(name) rises to \(HumanFormat.metric(late)) (from \(HumanFormat.metric(early)); peak "
                    + "\(HumanFormat.metric(peak?.value ?? late)) at step \(Int(peak?.step ?? 0))): the policy leaves its "
                    + "reference; look at samples, and at kl_coef"
            }
        }
        return nil
    }

    private static func truncation(_ curves: StageCurves) -> String? {
        guard let (_, late) = ends(of: "completions/clipped_ratio", in: curves), late > 0.2 else { return nil }
        return "\(percent(late)) of the last responses were cut off at response_length"
    }

    private static func growth(_ curves: StageCurves) -> String? {
        guard let (early, late) = ends(of: "completions/mean_length", in: curves), early > 0, late > 2 * early else {
            return nil
        }
        return
            "responses grew from \(HumanFormat.metric(early)) to \(HumanFormat.metric(late)) tokens: a reward may be paid by "
            + "length"
    }

    private static func accuracy(_ curves: StageCurves) -> String? {
        guard let last = curves.last("eval_accuracy"), last < 0.55 else { return nil }
        return "eval_accuracy ends at \(percent(last)): the reward model hardly knows better than chance"
    }

    private static func clipping(_ curves: StageCurves) -> String? {
        guard let (_, late) = ends(of: "policy/clipfrac_avg", in: curves), late > 0.3 else { return nil }
        return
            "\(percent(late)) of the last ratios were clipped: a lower learning_rate or fewer num_ppo_epochs would waste less"
    }

    private static func evaluation(_ stage: StageRecord) -> [String] {
        (stage.evaluation?.policies ?? []).filter { $0.finished < 0.9 }.map { policy in
            "\(percent(1 - policy.finished)) of \(policy.name)'s answers were cut off at response_length"
        }
    }

    /// Means over the first and over the last tenth of a curve of some length.
    private static func ends(of name: String, in curves: StageCurves) -> (early: Double, late: Double)? {
        let values = curves.points(of: name).map(\.value)
        guard values.count >= 10 else { return nil }
        let count = values.count / 10
        func mean(_ values: ArraySlice<Double>) -> Double { values.reduce(0, +) / Double(values.count) }
        return (mean(values.prefix(count)), mean(values.suffix(count)))
    }

    private static func percent(_ share: Double) -> String { GapChart.percent(share) }
}
