import JSON
import Runs

/// How scores and lengths of answers spread, a row a policy.
struct DistributionsSection: ReportSection {
    static let title = "Scores and lengths"
    static let key = "distributions"

    /// Answers to the same prompts: of a stage, or of that stage over all seeds.
    private struct Group {
        var run: String?
        var stage: String
        var unit: String
        var policies: [(name: String, answers: [AnswerTable.Answer])]
    }

    private let groups: [Group]
    private let report: Report

    init?(_ report: Report) {
        self.report = report
        let tables = report.runs.flatMap { run in
            run.stages.compactMap { stage in stage.answers.map { (run: run, stage: stage.name, table: $0) } }
        }
        var groups: [Group] = []
        for (run, stage, table) in tables {
            let policies = table.columns.indices.map { (table.columns[$0], table.answers($0)) }
            guard report.isOverSeeds, let index = groups.firstIndex(where: { $0.stage == stage }) else {
                let name = report.runs.count > 1 && !report.isOverSeeds ? run.name : nil
                groups.append(Group(run: name, stage: stage, unit: table.lengthUnit, policies: policies))
                continue
            }
            for (name, answers) in policies {
                if let place = groups[index].policies.firstIndex(where: { $0.name == name }) {
                    groups[index].policies[place].answers += answers
                } else {
                    groups[index].policies.append((name, answers))
                }
            }
        }
        self.groups = groups
        guard !groups.isEmpty else { return nil }
    }

    var body: Markup {
        let parts = groups.map { group -> Markup in
            let name = [group.run, groups.count > 1 ? group.stage : nil].compactMap(\.self).joined(separator: ", ")
            let rows = { (values: (AnswerTable.Answer) -> Double?) in
                group.policies.map { policy in
                    RidgeChart.Row(
                        name: policy.name, color: report.palette.color(policy.name),
                        values: policy.answers.compactMap(values).filter(\.isFinite))
                }.filter { !$0.values.isEmpty }
            }
            let (scores, lengths) = (rows { $0.score }, rows { Double($0.length) })
            let figures = [
                scores.isEmpty ? nil : RidgeChart(title: "Scores", unit: "score", rows: scores, isWhole: false).figure,
                RidgeChart(title: "Lengths", unit: group.unit, rows: lengths, isWhole: true).figure,
            ].compactMap(\.self)
            return "\(name.isEmpty ? "" : "<h3>\(name)</h3>" as Markup)\(Markup.grid(figures))"
        }
        let pooled = report.isOverSeeds ? "All seeds together; " : ""
        return "<p class=\"note\">\(pooled)\(pooled.isEmpty ? "Vertical" : "vertical") lines are means.</p>\(parts)"
    }

    var numbers: JSON {
        .array(
            groups.flatMap { group in
                group.policies.map { policy in
                    let lengths = policy.answers.map { Double($0.length) }
                    return .object([
                        ("run", .text(group.run)), ("stage", .string(group.stage)), ("policy", .string(policy.name)),
                        ("answers", .number(policy.answers.count)),
                        ("score", Self.summary(policy.answers.compactMap(\.score))),
                        ("length_unit", .string(group.unit)), ("length", Self.summary(lengths)),
                    ])
                }
            })
    }

    /// Mean and quantiles.
    private static func summary(_ values: [Double]) -> JSON {
        let sorted = values.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else { return .null }
        let quantiles = [("min", 0.0), ("q25", 0.25), ("median", 0.5), ("q75", 0.75), ("max", 1.0)].map { name, part in
            (name, JSON.number(sorted[Int((part * Double(sorted.count - 1)).rounded())]))
        }
        return .object([("mean", .number(sorted.reduce(0, +) / Double(sorted.count)))] + quantiles)
    }
}
