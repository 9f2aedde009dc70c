import Foundation
import Runs

extension StudyResults {
    /// A table for the person who watches, with these metrics behind the usual columns.
    package func table(showing metrics: [String] = []) -> String {
        let rivals = [baseline] + others
        var table = TextTable(
            ["arm", "score", "difference", "p (Holm)"] + rivals.map { "win rate over \($0)" } + ["length"] + metrics
                + ["tokens", "seconds"])
        for arm in arms { table.add(cells(of: arm, rivals, metrics)) }
        let line = """
            Means over seeds \(seeds.asSeeds) by \(evaluation), in brackets their 95 % t intervals; differences to \
            \(baseline) by the paired t test, p adjusted by Holm; tokens and seconds of an arm's own steps.

            """
        return table.render() + "\n" + line + (tuning.map { "\($0.text).\n" } ?? "")
    }

    private func cells(of arm: Arm, _ rivals: [String], _ metrics: [String]) -> [String] {
        let seconds = costs.arms.first { $0.name == arm.name }?.seconds.mean
        var cells = [arm.name, Self.interval(arm.score) { Self.number($0, 3) }]
        cells.append(arm.difference.map(Self.difference) ?? "")
        cells.append(arm.difference.map { Self.p($0.adjustedP) } ?? "")
        cells += rivals.map { Self.winRate(arm.winRates[$0]) }
        cells.append(Self.number(arm.length.mean, 1))
        cells += metrics.map { Self.interval(arm.metrics[$0], HumanFormat.metric) }
        cells.append(arm.tokens.mean.map { HumanFormat.count(Int($0.rounded())) } ?? "-")
        cells.append(seconds.map { HumanFormat.duration(seconds: $0) } ?? "-")
        return cells
    }

    private static func difference(_ difference: SeedDifference) -> String {
        let mean = number(difference.mean, 3)
        return "\(mean.hasPrefix("-") ? "" : "+")\(mean) [\(number(difference.low, 3)), \(number(difference.high, 3))]"
    }

    private static func winRate(_ rate: SeedSummary?) -> String {
        guard let rate, let mean = rate.mean, let low = rate.low, let high = rate.high else { return "" }
        let percent = { (value: Double) in number(100 * value, 1) }
        return "\(percent(mean)) % [\(percent(low)), \(percent(high))]"
    }

    private static func interval(_ summary: SeedSummary?, _ text: (Double) -> String) -> String {
        guard let summary, let mean = summary.mean, let low = summary.low, let high = summary.high else { return "-" }
        return "\(text(mean)) [\(text(low)), \(text(high))]"
    }

    private static func p(_ p: Double) -> String { p < 0.0001 ? "< 0.0001" : number(p, 4) }

    private static func number(_ value: Double?, _ digits: Int) -> String {
        value.map { String(format: "%.\(digits)f", $0) } ?? "-"
    }
}
