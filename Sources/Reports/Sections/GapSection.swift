import JSON
import PreferenceData
import Runs
import Stages

/// How reward gaps spread, and how often the reward is right there: what the split of MPO rests on.
struct GapSection: ReportSection {
    static let title = "Reward gaps"
    static let key = "gaps"

    private typealias Found = (run: RunRecord, stage: StageRecord, summary: SplitSummary)

    private let report: Report
    private let found: [Found]

    init?(_ report: Report) {
        self.report = report
        found = report.runs.flatMap { run in run.stages.compactMap { stage in stage.gaps.map { (run, stage, $0) } } }
            .filter { $0.2.count > 0 }
        guard !found.isEmpty else { return nil }
    }

    var body: Markup {
        // Of seeds the first stands for all, which are alike in this.
        let seeds = report.isOverSeeds ? report.runs.first?.name : nil
        let shown = found.filter { seeds == nil || $0.run.name == seeds }.map { part(of: $0) }
        let note: Markup = seeds.map { "<p class=\"note\">Of \($0); the JSON form has all seeds.</p>" } ?? ""
        return "\(note)\(shown)"
    }

    var numbers: JSON {
        .array(
            found.map { found in
                func buckets(_ buckets: [SplitSummary.Bucket]) -> JSON {
                    .array(
                        buckets.map { bucket in
                            .object([
                                ("from", .number(bucket.from)), ("to", .number(bucket.to)),
                                ("count", .number(bucket.count)),
                                ("accuracy", .number(bucket.accuracy)),
                            ])
                        })
                }
                return .object([
                    ("run", .string(found.run.name)), ("stage", .string(found.stage.name)),
                    ("count", .number(found.summary.count)),
                    ("easy", .number(found.summary.easy)), ("difficult", .number(found.summary.difficult)),
                    ("threshold", .number(found.summary.threshold)), ("mean_gap", .number(found.summary.meanGap)),
                    ("accuracy", .number(found.summary.accuracy)),
                    ("easy_accuracy", .number(found.summary.easyAccuracy)),
                    ("difficult_accuracy", .number(found.summary.difficultAccuracy)),
                    ("quantiles", buckets(found.summary.quantiles)), ("histogram", buckets(found.summary.histogram)),
                ])
            })
    }

    func forEachRow(_ body: (ReportRow) -> Void) { rows.forEach(body) }

    private var rows: [ReportRow] {
        found.flatMap { found in
            [
                ("easy", Double(found.summary.easy)), ("difficult", Double(found.summary.difficult)),
                ("threshold", found.summary.threshold), ("mean_gap", found.summary.meanGap),
                ("accuracy", found.summary.accuracy),
                ("easy_accuracy", found.summary.easyAccuracy), ("difficult_accuracy", found.summary.difficultAccuracy),
            ].compactMap { name, value in
                value.map {
                    ReportRow(run: found.run.name, stage: found.stage.name, step: nil, metric: name, value: $0)
                }
            }
        }
    }

    private func part(of found: Found) -> Markup {
        let (summary, isSplit) = (found.summary, found.stage.type != RewardStage.type)
        let chart = GapChart(
            summary: summary, difficult: "var(--p1)", easy: isSplit ? "var(--p0)" : "var(--ink-3)", isSplit: isSplit)
        let name = report.runs.count > 1 && !report.isOverSeeds ? "\(found.run.name), " : ""
        let accuracy = summary.accuracy.map(GapChart.percent) ?? "–"
        let parts =
            isSplit
            ? ": \(summary.easyAccuracy.map(GapChart.percent) ?? "–") of easy pairs and "
                + "\(summary.difficultAccuracy.map(GapChart.percent) ?? "–") of difficult ones"
            : ""
        let what = isSplit ? "" : "held-out "
        return """
            <h3>\(name)\(found.stage.name)</h3>
            <p class="note">The reward prefers the chosen answer in \(accuracy) of \(HumanFormat.counted(summary.count, "\(what)pair"))\(parts).</p>
            \(Markup.grid([chart.histogram, chart.accuracy]))
            """
    }
}
