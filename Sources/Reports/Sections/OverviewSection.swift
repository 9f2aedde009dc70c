import Foundation
import JSON
import Runs
import Stages

/// What was run: stages with what they read and their main keys, models, data, seed, ranks and versions.
struct OverviewSection: ReportSection {
    static let title = "What was run"
    static let key = "overview"

    private let report: Report

    init?(_ report: Report) { self.report = report }

    var body: Markup {
        let runs = report.runs
        var parts: Markup = runs.count == 1 ? facts(of: runs[0]) : table(of: runs)
        if !report.isOverSeeds, runs.count > 1 { parts += differences }
        for run in report.isOverSeeds ? Array(runs.prefix(1)) : runs {
            let title: Markup = runs.count > 1 && !report.isOverSeeds ? "<h3>\(run.name)</h3>" : ""
            parts += "\(title)\(stages(of: run))\(data(of: run))"
        }
        return parts
    }

    var numbers: JSON {
        .array(
            report.runs.map { run in
                let stages = run.stages.map { stage -> JSON in
                    .object([
                        ("stage", .string(stage.name)), ("type", .text(stage.type)), ("done", .bool(stage.isDone)),
                        ("steps", .count(stage.curves?.steps.last.map { Int($0) })),
                        ("parameters", .count(stage.parameters)),
                    ])
                }
                return .object([
                    ("run", .string(run.name)), ("directory", .string(run.directory.url.relativePath)),
                    ("status", .string(run.status.word)), ("seed", .count(run.seed)),
                    ("ranks", .count(run.state?.identity.topology.ranks)),
                    ("version", .text(run.state?.identity.topology.build.version)),
                    ("libtorch", .text(run.state?.identity.topology.build.libTorch)), ("stages", .array(stages)),
                ])
            })
    }

    // MARK: Runs

    private func facts(of run: RunRecord) -> Markup {
        var table = DataTable([.text(""), .prose("")], hasHead: false)
        func add(_ name: String, _ value: String?) {
            if let value { table.add(["<span class=\"dim\">\(name)</span>", "\(value)"]) }
        }
        add("directory", run.directory.url.relativePath)
        add(
            "status",
            run.status.word
                + (run.status.isDone ? "" : ", \(run.stages.count(where: \.isDone)) of \(run.stages.count) stages done")
        )
        add("seed", run.seed.map(String.init))
        add("model", model(of: run))
        add("computed by", run.state.map { Self.topology($0.identity.topology) })
        add("program", run.state.map { $0.identity.topology.build.text })
        add("time", Self.times(of: run))
        return table.markup
    }

    private func table(of runs: [RunRecord]) -> Markup {
        var table = DataTable([
            .text("run"), .text("status"), .number("seed"), .text("stages"), .prose("computed by"), .prose("time"),
        ])
        for run in runs {
            table.add([
                Markup.key(run.name, report.isOverSeeds ? "var(--ink-3)" : report.palette.color(run.name)),
                "\(run.status.word)", "\(run.seed.map(String.init) ?? "–")",
                "\(run.stages.count(where: \.isDone)) of \(run.stages.count)",
                "\(run.state.map { Self.topology($0.identity.topology) } ?? "–")", "\(Self.times(of: run) ?? "–")",
            ])
        }
        return table.markup
    }

    private func model(of run: RunRecord) -> String? {
        run.setting("model_name_or_path").map { path in
            let drawn = run.setting("random_init") == "true" ? ", weights drawn at random" : ""
            let size =
                run.stages.lazy.compactMap(\.parameters).first.map { ", \(HumanFormat.count($0)) parameters" } ?? ""
            return "\(path)\(drawn)\(size)"
        }
    }

    private static func topology(_ topology: Topology) -> String {
        let kinds = Set(topology.workers.map { "\($0.card ?? $0.cpu), \(HumanFormat.counted($0.threads, "thread"))" })
            .sorted()
        let roles =
            topology.ranks == 1
            ? "one process" : "an orchestrator and \(HumanFormat.counted(topology.workers.count, "worker"))"
        return "\(roles) (\(kinds.joined(separator: "; ")))"
    }

    private static func times(of run: RunRecord) -> String? {
        let times = run.stages.compactMap { $0.curves?.times }
        guard let first = times.first?.first, let last = times.last?.last else { return nil }
        return
            "\(ReportPage.text(Date(timeIntervalSince1970: first))), \(HumanFormat.duration(seconds: last - first)) to the last metrics"
    }

    /// The keys whose values are not the same in all runs that have them; of stages that only some runs have, their names.
    private var differences: Markup {
        let keys = Set(report.runs.flatMap(\.settings.keys)).subtracting(["output_dir", "stages"]).sorted()
        var table = DataTable([.text("key")] + report.runs.map { .prose($0.name) })
        table.add(["stages"] + report.runs.map { "\($0.stages.map(\.name).joined(separator: ", "))" })
        for key in keys {
            let values = report.runs.map { $0.settings[key] }
            let stage = key.split(separator: ".").first.map(String.init) ?? key
            let isOfSome = report.runs.contains { $0.stage(named: stage) == nil && report.stageNames.contains(stage) }
            guard Set(values).count > 1, !isOfSome || Set(values.compactMap(\.self)).count > 1 else { continue }
            table.add(["\(key)"] + values.map { "\($0 ?? "–")" })
        }
        return "<h3>What differs</h3><div class=\"settings\">\(table.markup)</div>"
    }

    // MARK: Stages and data

    private func stages(of run: RunRecord) -> Markup {
        var table = DataTable([
            .text("stage"), .prose("reads, and its main keys"), .number("steps"), .number("parameters"), .text(""),
        ])
        for stage in run.stages {
            let description = StageDescription(stage: stage)
            let name = stage.curves == nil ? "\(stage.name)" : Markup.key(stage.name, report.palette.color(stage.name))
            let type: Markup? = stage.type.flatMap { $0 == stage.name ? nil : "<br><small>\($0)</small>" }
            table.add([
                "\(name)\(type)",
                "\(Self.list(description.inputs))<br><small>\(Self.list(description.choices))</small>",
                "\(stage.curves?.steps.last.map { "\(Int($0))" } ?? "")",
                "\(stage.parameters.map(HumanFormat.count) ?? "")",
                "\(stage.isDone ? "done" : stage.hasBegun ? "begun" : "ahead")",
            ])
        }
        return table.markup
    }

    private static func list(_ entries: [(key: String, value: String)]) -> Markup {
        Markup.joined(
            entries.enumerated().map { index, entry in
                "\(index > 0 ? ", " : "")<span class=\"dim\">\(entry.key)</span>\u{00A0}\(entry.value)"
            })
    }

    private func data(of run: RunRecord) -> Markup {
        let stages = Set(run.stages.map(\.name))
        var table = DataTable([.text("key"), .prose("file"), .number("size"), .text("CRC-32")])
        for input in run.state?.identity.inputs ?? [] where !stages.contains(input.key) {
            for file in input.files {
                table.add([
                    "\(input.key)", "\(file.path)", "\(HumanFormat.bytes(file.contents.size))",
                    "\(file.contents.checksumText)",
                ])
            }
        }
        return table.isEmpty ? "" : .folded("Files that were read", table.markup)
    }
}
