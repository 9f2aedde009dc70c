import Foundation
import JSON
import Runs

/// Where time and memory went, by stage.
struct TimingSection: ReportSection {
    static let title = "Time and memory"
    static let key = "timing"

    private typealias Entry = (run: RunRecord, stage: StageRecord, timing: StageTiming)

    private let report: Report
    private let entries: [Entry]

    init?(_ report: Report) {
        self.report = report
        entries = report.runs.flatMap { run -> [Entry] in
            var end: Double?
            return run.stages.compactMap { stage in
                guard let curves = stage.curves else { return nil }
                // Where a stage without metrics lies between, its time would count as this one's.
                let index = run.stages.firstIndex { $0.directoryName == stage.directoryName } ?? 0
                let follows = index > 0 && run.stages[index - 1].curves != nil
                defer { end = curves.times.last }
                return (run, stage, StageTiming(curves, after: follows ? end : nil))
            }
        }
        guard !entries.isEmpty else { return nil }
    }

    var body: Markup {
        "\(Markup.grid([figure]))\(table)"
    }

    var numbers: JSON {
        .array(
            entries.map { entry in
                .object([
                    ("run", .string(entry.run.name)), ("stage", .string(entry.stage.name)),
                    ("seconds", .number(entry.timing.seconds)), ("paused", .number(entry.timing.paused)),
                    ("steps", .count(entry.timing.steps)), ("tokens_per_second", .number(entry.timing.throughput)),
                    ("peak_memory_gib", .number(entry.timing.peakMemory)),
                    ("phases", .object(entry.timing.phases.map { ($0.name, .number($0.seconds)) })),
                ])
            })
    }

    func forEachRow(_ body: (ReportRow) -> Void) { rows.forEach(body) }

    private var rows: [ReportRow] {
        entries.compactMap { entry in
            entry.timing.seconds.map {
                ReportRow(run: entry.run.name, stage: entry.stage.name, step: nil, metric: "seconds", value: $0)
            }
        }
    }

    /// The phases in the order of a step, each with its shade.
    private static let colors = [
        "generation": "var(--p2)", "scoring": "var(--p5)", "forward": "var(--p0)", "backward": "var(--p3)",
        "optimizer": "var(--p4)",
        "communication": "var(--p6)", "waiting": "var(--ink-3)", "checkpoint": "var(--p7)",
    ]

    private var figure: Markup {
        // A bar a stage: of one run, or the mean over seeds.
        let shown = report.runs.count == 1 || report.isOverSeeds ? report.stageNames : []
        let stages: [(String, [Entry])] =
            shown.isEmpty
            ? entries.map { ("\($0.run.name) \($0.stage.name)", [$0]) }
            : shown.map { name in (name, entries.filter { $0.stage.name == name }) }
        let rows = stages.filter { $0.1.contains { !$0.timing.phases.isEmpty } }.map {
            name, entries -> StackedBars.Row in
            let names = Phase.allCases.map(\.rawValue).filter { name in
                entries.contains { $0.timing.phases.contains { $0.name == name } }
            }
            let parts = names.map { phase in
                let seconds = entries.reduce(0) { sum, entry in
                    sum + (entry.timing.phases.first { $0.name == phase }?.seconds ?? 0)
                }
                return StackedBars.Part(
                    name: phase, color: Self.colors[phase] ?? "var(--ink-2)", value: seconds / Double(entries.count))
            }
            return StackedBars.Row(
                name: name, parts: parts, note: HumanFormat.duration(seconds: parts.reduce(0) { $0 + $1.value }))
        }
        let names = Phase.allCases.map(\.rawValue).filter { name in
            rows.contains { $0.parts.contains { $0.name == name } }
        }
        guard !names.isEmpty else { return "" }
        let keys = names.map { Markup.key($0, Self.colors[$0] ?? "var(--ink-2)") }
        let title = report.isOverSeeds ? "Time of steps by phase, mean over seeds" : "Time of steps by phase"
        return "<div>\(StackedBars(title: title, rows: rows).figure)<div class=\"keys\">\(keys)</div></div>"
    }

    private var table: Markup {
        let hasMemory = entries.contains { $0.timing.peakMemory != nil }
        let hasPauses = entries.contains { $0.timing.paused > 0 }
        let hasRuns = report.runs.count > 1
        var table = DataTable(
            (hasRuns ? [.text("run")] : []) + [
                .text("stage"), .number("time"), .number("steps"), .number("a step"), .number("tokens/s"),
            ]
                + (hasPauses ? [.number("stood still")] : []) + (hasMemory ? [.number("card memory, GiB")] : []))
        for (run, stage, timing) in entries {
            let each = timing.seconds.flatMap { seconds in timing.steps.map { seconds / Double(max(1, $0)) } }
            table.add(
                (hasRuns ? ["\(run.name)"] : []) + [
                    "\(stage.name)", "\(timing.seconds.map { HumanFormat.duration(seconds: $0) } ?? "–")",
                    "\(timing.steps.map(String.init) ?? "–")", "\(each.map(Self.short) ?? "–")",
                    "\(timing.throughput.map { HumanFormat.count(Int($0.rounded())) } ?? "–")",
                ] + (hasPauses ? ["\(timing.paused > 0 ? HumanFormat.duration(seconds: timing.paused) : "")"] : [])
                    + (hasMemory ? ["\(timing.peakMemory.map { String(format: "%.2f", $0) } ?? "–")"] : []))
        }
        return """
            \(hasRuns ? Markup.folded("Each run and stage", table.markup) : table.markup)\
            <p class="note">Time is from the end of the stage before, where that has metrics, to the stage's last line; tokens/s is the \
            median of its lines. Stages without metrics of their own are not listed.</p>
            """
    }

    private static func short(_ seconds: Double) -> String {
        seconds < 1 ? String(format: "%.0f ms", 1000 * seconds) : String(format: "%.2f s", seconds)
    }
}
