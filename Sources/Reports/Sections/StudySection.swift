import Commands
import Foundation
import JSON
import Runs

/// What a study found of its arms, as `study.json` has it.
struct StudySection: ReportSection {
    static let title = "Study"
    static let key = "study"

    private let study: StudyResults
    private let palette: Palette

    init?(_ report: Report) {
        guard let study = report.study else { return nil }
        (self.study, palette) = (study, report.palette)
    }

    var body: Markup {
        """
        <p class="note">Arms over seeds \(study.seeds.asSeeds) by \(study.evaluation): means with 95 % t intervals; differences to \
        \(study.baseline) by the paired t test, p adjusted by Holm for all arms.</p>
        \(table)\(differences)\(tuning)
        """
    }

    var numbers: JSON {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(study), let json = data.withUnsafeBytes({ try? JSON(parsing: $0) }) else {
            return .null
        }
        return json
    }

    private var table: Markup {
        let rivals = [study.baseline] + study.others
        var table = DataTable(
            [.text("arm"), .number("score"), .number("difference"), .number("p (Holm)")]
                + rivals.map { .number("win rate over \($0)") } + [
                    .number("tokens an answer"), .number("steps"), .number("tokens learned"),
                ])
        for arm in study.arms {
            table.add(
                [
                    Markup.key(arm.name, palette.color(arm.name)), Self.interval(arm.score, Self.number),
                    arm.difference.map { Self.cell($0.mean, $0.low, $0.high, Self.signed) } ?? "",
                    "\(arm.difference.map { $0.adjustedP < 0.0001 ? "< 0.0001" : String(format: "%.4f", $0.adjustedP) } ?? "")",
                ] + rivals.map { rival in arm.winRates[rival].map { Self.interval($0, GapChart.percent) } ?? "" }
                    + [
                        "\(arm.length.mean.map { String(format: "%.1f", $0) } ?? "–")",
                        "\(arm.steps.mean.map { HumanFormat.count(Int($0.rounded())) } ?? "–")",
                        "\(arm.tokens.mean.map { HumanFormat.count(Int($0.rounded())) } ?? "–")",
                    ])
        }
        return table.markup
    }

    private var differences: Markup {
        let rows = study.arms.compactMap { arm in
            arm.difference.map {
                IntervalChart.Row(
                    name: arm.name, color: palette.color(arm.name), mean: $0.mean, low: $0.low, high: $0.high,
                    values: $0.values)
            }
        }
        guard !rows.isEmpty else { return "" }
        let chart = IntervalChart(
            title: "Score less \(study.baseline)'s on the same seed <small>a dot a seed</small>",
            label: "Differences of scores to \(study.baseline)", unit: "difference of scores", rows: rows, reference: 0,
            text: Self.signed)
        return .grid([chart.figure])
    }

    /// What was tried before, since a comparison is as fair as its tuning.
    private var tuning: Markup {
        guard let tuning = study.tuning else {
            return "<p class=\"note\">No key was tuned: all arms ran as the configuration has them.</p>"
        }
        var table = DataTable([.text("arm")] + tuning.values.map { .number("\(tuning.key) \($0)") } + [.text("chosen")])
        for arm in tuning.arms {
            table.add(
                [Markup.key(arm.name, palette.color(arm.name))]
                    + arm.means.map { "\($0.map(Self.number) ?? "diverged")" } + ["\(arm.chosen)"])
        }
        return "<p class=\"note\">\(tuning.text).</p>\(Markup.folded("Mean scores of what was tried", table.markup))"
    }

    private static func interval(_ summary: SeedSummary, _ text: (Double) -> String) -> Markup {
        guard let mean = summary.mean, let low = summary.low, let high = summary.high else { return "–" }
        return cell(mean, low, high, text)
    }

    private static func cell(_ mean: Double, _ low: Double, _ high: Double, _ text: (Double) -> String) -> Markup {
        "\(text(mean)) <small>[\(text(low)), \(text(high))]</small>"
    }

    private static func number(_ value: Double) -> String { String(format: "%.3f", value) }
    private static func signed(_ value: Double) -> String { String(format: "%+.3f", value) }
}
