import Commands
import Foundation
import JSON
import Runs
import Stages

/// How policies compare under their judge: scores, and who wins over whom, with intervals over prompts and, of several seeds,
/// over those.
struct EvaluationSection: ReportSection {
    static let title = "Evaluation"
    static let key = "evaluation"

    private typealias Result = (run: RunRecord, stage: StageRecord, evaluation: Evaluation)

    private let report: Report
    private let results: [Result]

    init?(_ report: Report) {
        self.report = report
        results = report.runs.flatMap { run in
            run.stages.compactMap { stage in stage.evaluation.map { (run, stage, $0) } }
        }
        guard !results.isEmpty else { return nil }
    }

    var body: Markup {
        let single = results.map { result -> Markup in
            let names = [report.runs.count > 1 ? result.run.name : nil, hasSeveralStages ? result.stage.name : nil]
            let name = names.compactMap(\.self).joined(separator: ", ")
            return
                "\(name.isEmpty ? "" : "<h3>\(name)</h3>" as Markup)\(judge(of: result))\(table(of: result))\(matrix(of: result))"
        }
        guard report.isOverSeeds else { return Markup.joined(single) }
        return "\(overSeeds)\(Markup.folded("Each seed by itself", Markup.joined(single)))"
    }

    var numbers: JSON {
        .array(
            results.map { result in
                let policies = result.evaluation.policies.map { policy -> JSON in
                    .object(
                        [
                            ("policy", .string(policy.name)), ("prompts", .number(policy.prompts)),
                            ("mean_score", .number(policy.meanScore)),
                            ("standard_error", .number(policy.standardError)),
                            ("mean_length", .number(policy.meanLength)), ("finished", .number(policy.finished)),
                        ] + (policy.accuracy?.names ?? []).map { ($0, .number(policy.accuracy?.rates[$0]?.rate)) })
                }
                let matches = result.evaluation.matches.map { match -> JSON in
                    .object([
                        ("policy", .string(match.policy)), ("against", .string(match.against)),
                        ("wins", .number(match.wins)),
                        ("ties", .number(match.ties)), ("losses", .number(match.losses)),
                        ("win_rate", .number(match.winRate)),
                        ("low", .number(match.low)), ("high", .number(match.high)),
                    ])
                }
                return .object([
                    ("run", .string(result.run.name)), ("stage", .string(result.stage.name)),
                    ("policies", .array(policies)),
                    ("matches", .array(matches)),
                ])
            } + seedNumbers)
    }

    func forEachRow(_ body: (ReportRow) -> Void) { rows.forEach(body) }

    private var rows: [ReportRow] {
        results.flatMap { result -> [ReportRow] in
            func row(_ metric: String, _ value: Double?) -> ReportRow? {
                value.map {
                    ReportRow(run: result.run.name, stage: result.stage.name, step: nil, metric: metric, value: $0)
                }
            }
            let policies = result.evaluation.policies.flatMap { policy in
                [
                    row("mean_score/\(policy.name)", policy.meanScore),
                    row("standard_error/\(policy.name)", policy.standardError),
                    row("mean_length/\(policy.name)", policy.meanLength),
                    row("finished/\(policy.name)", policy.finished),
                ].compactMap(\.self)
            }
            let matches = result.evaluation.matches.flatMap { match in
                [("win_rate", match.winRate), ("win_rate_low", match.low), ("win_rate_high", match.high)].compactMap {
                    row("\($0.0)/\(match.policy)/\(match.against)", $0.1)
                }
            }
            return policies + matches
        }
    }

    private var hasSeveralStages: Bool { Set(results.map(\.stage.name)).count > 1 }

    // MARK: One run

    private func judge(of result: Result) -> Markup {
        let judge = result.stage.settings["judge"].flatMap(SettingText.plain)
        let prompts = result.evaluation.policies.first.map { HumanFormat.counted($0.prompts, "prompt") }
        let text = [prompts.map { "\($0) answered by each policy" }, judge.map { "judged by \($0)" }].compactMap(\.self)
        return "<p class=\"note\">\(text.joined(separator: ", ")); 95 % intervals over prompts; ties count half.</p>"
    }

    private func table(of result: Result) -> Markup {
        let rates = result.evaluation.policies.first?.accuracy?.names ?? []
        var table = DataTable(
            [.text("policy"), .number("mean score"), .number("± 95 %"), .number("tokens"), .number("ended")]
                + rates.map { .number($0) })
        for policy in result.evaluation.policies {
            table.add(
                [
                    Markup.key(policy.name, report.palette.color(policy.name)), "\(Self.number(policy.meanScore))",
                    "\(policy.standardError.map { Self.number(1.96 * $0) } ?? "–")",
                    "\(String(format: "%.1f", policy.meanLength))",
                    "\(GapChart.percent(policy.finished))",
                ] + rates.map { "\(policy.accuracy?.rates[$0].map { GapChart.percent($0.rate) } ?? "")" })
        }
        return table.markup
    }

    private func matrix(of result: Result) -> Markup {
        let policies = result.evaluation.policies.map(\.name)
        guard policies.count > 1 else { return "" }
        var rates: [String: [String: WinMatrix.Rate]] = [:]
        for match in result.evaluation.matches {
            rates[match.policy, default: [:]][match.against] = WinMatrix.Rate(
                rate: match.winRate, low: match.low, high: match.high,
                note:
                    "\(match.policy) over \(match.against): \(match.wins) won, \(match.ties) tied, \(match.losses) lost"
            )
        }
        return
            "<p class=\"note\">Win rate of the row over the column</p>\(WinMatrix(policies: policies, palette: report.palette, rates: rates).markup)"
    }

    // MARK: Over seeds

    /// What of each policy, and each pair of them, the seeds say together; only those that all seeds have.
    private var seedSummaries:
        [(stage: String, scores: [(String, SeedSummary)], rates: [(String, String, SeedSummary)])]
    {
        guard report.isOverSeeds else { return [] }
        var stages: [String] = []
        for result in results where !stages.contains(result.stage.name) { stages.append(result.stage.name) }
        return stages.compactMap { stage in
            let evaluations = results.filter { $0.stage.name == stage }.map(\.evaluation)
            guard evaluations.count > 1, let first = evaluations.first else { return nil }
            let scores = first.policies.map { policy in
                (policy.name, SeedSummary(evaluations.map { $0.policies.first { $0.name == policy.name }?.meanScore }))
            }
            let rates = first.matches.map { match in
                let values = evaluations.map { evaluation in
                    evaluation.matches.first { $0.policy == match.policy && $0.against == match.against }?.winRate
                }
                return (match.policy, match.against, SeedSummary(values, within: 0...1))
            }
            return (stage, scores.filter { $0.1.mean != nil }, rates.filter { $0.2.mean != nil })
        }
    }

    private var overSeeds: Markup {
        let parts = seedSummaries.map { summary -> Markup in
            let seeds = summary.scores.first?.1.values.count ?? 0
            let rows = summary.scores.compactMap { name, score in
                Self.row(name, score, report.palette.color(name))
            }
            let chart = IntervalChart(
                title: "Mean score <small>95 % t intervals over \(seeds) seeds; a dot a seed</small>",
                label: "Mean scores over \(seeds) seeds", unit: "score", rows: rows, text: Self.number)
            var rates: [String: [String: WinMatrix.Rate]] = [:]
            for (policy, other, rate) in summary.rates {
                let values = rate.values.compactMap(\.self).map(GapChart.percent).joined(separator: ", ")
                rates[policy, default: [:]][other] = WinMatrix.Rate(
                    rate: rate.mean ?? 0, low: rate.low ?? 0, high: rate.high ?? 1,
                    note: "\(policy) over \(other), by seed: \(values)")
            }
            let policies = summary.scores.map(\.0)
            return """
                \(hasSeveralStages ? "<h3>\(summary.stage)</h3>" : "" as Markup)\
                \(Markup.grid([chart.figure]))\
                <p class="note">Win rate of the row over the column: mean over seeds, 95 % t interval</p>
                \(WinMatrix(policies: policies, palette: report.palette, rates: rates).markup)
                """
        }
        return Markup.joined(parts)
    }

    private var seedNumbers: [JSON] {
        seedSummaries.map { summary in
            func entries(_ value: SeedSummary) -> [(String, JSON)] {
                [("mean", .number(value.mean)), ("low", .number(value.low)), ("high", .number(value.high))]
            }
            return .object([
                ("run", .null), ("stage", .string(summary.stage)),
                ("policies", .array(summary.scores.map { .object([("policy", .string($0.0))] + entries($0.1)) })),
                (
                    "matches",
                    .array(
                        summary.rates.map {
                            .object([("policy", .string($0.0)), ("against", .string($0.1))] + entries($0.2))
                        })
                ),
            ])
        }
    }

    private static func row(_ name: String, _ summary: SeedSummary, _ color: String) -> IntervalChart.Row? {
        guard let mean = summary.mean, let low = summary.low, let high = summary.high else { return nil }
        return IntervalChart.Row(
            name: name, color: color, mean: mean, low: low, high: high, values: summary.values.compactMap(\.self))
    }

    private static func number(_ value: Double) -> String { String(format: "%.3f", value) }
}
