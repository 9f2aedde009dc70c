import Foundation
import JSON
import Runs

/// Answers side by side: the prompts where policies differ most, either way, and some between.
struct SamplesSection: ReportSection {
    static let title = "Samples"
    static let key = "samples"

    /// How many prompts are shown of all stages together.
    static let most = 50
    /// How many characters of a prompt or an answer are shown.
    static let longest = 3000

    /// What a stage's policies answered.
    private struct Group {
        var run: String
        var stage: String
        var table: AnswerTable
        var rows: [AnswerTable.Row]
    }

    private let report: Report
    private let groups: [Group]

    init?(_ report: Report) {
        self.report = report
        // Of seeds the first one's: all answer the same prompts.
        let runs = report.isOverSeeds ? Array(report.runs.prefix(1)) : report.runs
        let tables = runs.flatMap { run in
            run.stages.compactMap { stage in stage.answers.map { (run.name, stage.name, $0) } }
        }
        guard !tables.isEmpty else { return nil }
        let each = max(2, Self.most / tables.count)
        groups = tables.prefix(Self.most / 2).map { run, stage, table in
            Group(run: run, stage: stage, table: table, rows: Self.chosen(from: table.rows, upTo: each))
        }
    }

    var body: Markup {
        let parts = groups.map { group -> Markup in
            let name = [report.runs.count > 1 ? group.run : nil, groups.count > 1 ? group.stage : nil].compactMap(
                \.self)
            let left = group.table.rows.count - group.rows.count
            let columns = group.table.columns
            let order =
                columns.count > 1 && group.rows.contains { $0.difference != nil }
                ? "from where \(columns[columns.count - 1]) gains most on \(columns[0]) to where it loses most"
                : "from the best score to the worst"
            let note =
                left > 0
                ? "\(group.rows.count) of \(group.table.rows.count) prompts, spread over all (\(left) are left out)"
                : "All prompts"
            let samples = group.rows.map { sample($0, columns, unit: group.table.lengthUnit) }
            return """
                \(name.isEmpty ? "" : "<h3>\(name.joined(separator: ", "))</h3>" as Markup)
                <p class="note">\(note), \(order).</p>
                \(samples.prefix(6))\(samples.count > 6 ? Markup.folded("\(samples.count - 6) more", Markup.joined(Array(samples.dropFirst(6)))) : "")
                """
        }
        return Markup.joined(parts)
    }

    var numbers: JSON {
        .array(
            groups.map { group in
                let rows = group.rows.map { row -> JSON in
                    let answers = zip(group.table.columns, row.answers).compactMap { policy, answer -> JSON? in
                        answer.map {
                            .object([
                                ("policy", .string(policy)), ("text", .string($0.text)), ("score", .number($0.score)),
                                ("length", .number($0.length)),
                            ])
                        }
                    }
                    return .object([("prompt", .string(row.prompt)), ("answers", .array(answers))])
                }
                return .object([
                    ("run", .string(group.run)), ("stage", .string(group.stage)),
                    ("prompts", .number(group.table.rows.count)),
                    ("shown", .number(rows.count)), ("samples", .array(rows)),
                ])
            })
    }

    /// The first and last of the order, and others at equal distances: a quarter each, and a half between.
    private static func chosen(from rows: [AnswerTable.Row], upTo count: Int) -> [AnswerTable.Row] {
        func rank(_ row: AnswerTable.Row) -> Double { row.difference ?? row.answers.last??.score ?? 0 }
        let sorted = rows.enumerated().sorted { (rank($1.element), $0.offset) < (rank($0.element), $1.offset) }.map(
            \.element)
        guard sorted.count > count else { return sorted }
        let ends = count / 4
        let (middle, between) = (count - 2 * ends, sorted.count - 2 * ends)
        let picked = (0..<middle).map { sorted[ends + (2 * $0 + 1) * between / (2 * middle)] }
        return sorted.prefix(ends) + picked + sorted.suffix(ends)
    }

    private func sample(_ row: AnswerTable.Row, _ columns: [String], unit: String) -> Markup {
        let best = row.answers.compactMap { $0?.score }.max()
        let answers = zip(columns, row.answers).map { column, answer -> Markup in
            guard let answer else { return "" }
            let score = answer.score.map { HumanFormat.metric($0) } ?? ""
            let isBest = answer.score != nil && answer.score == best && columns.count > 1
            let ending = answer.text.isEmpty ? "<span class=\"dim\">(empty)</span>" : Self.text(answer.text)
            return """
                <div class="answer" style="--c:\(report.palette.color(column))"><h4><span>\(column)</span><span>\
                \(isBest ? "<b title=\"the best score\">\(score)</b>" : "\(score)" as Markup) <small>\(answer.length) \(unit)</small>\
                </span></h4><div dir="auto">\(ending)</div></div>
                """
        }
        return """
            <article class="sample"><p class="prompt" dir="auto">\(Self.text(row.prompt))</p>
            <div class="answers">\(answers)</div></article>

            """
    }

    private static func text(_ text: String) -> Markup {
        guard text.unicodeScalars.count > longest else { return "\(text)" }
        let start = String(String.UnicodeScalarView(text.unicodeScalars.prefix(longest)))
        return "\(start)<span class=\"dim\">… \(text.unicodeScalars.count - longest) more characters</span>"
    }
}
