import JSON
import Runs

/// Curves of every stage's metrics: those that tell most at once, the others folded.
struct CurvesSection: ReportSection {
    static let title = "Training"
    static let key = "curves"

    private let report: Report
    /// A stage with what each run has of it.
    private let stages: [(name: String, type: String?, runs: [(run: RunRecord, curves: StageCurves)])]

    init?(_ report: Report) {
        self.report = report
        stages = report.stageNames.compactMap { name in
            let found = report.runs.compactMap { run in run.stage(named: name)?.curves.map { (run, $0) } }
            guard !found.isEmpty else { return nil }
            return (name, report.runs.lazy.compactMap { $0.stage(named: name)?.type }.first, found)
        }
        guard !stages.isEmpty else { return nil }
    }

    var body: Markup {
        let compares = report.runs.count > 1 && !report.isOverSeeds
        let keys: Markup =
            compares
            ? "<div class=\"keys\">\(report.runs.map { Markup.key($0.name, report.palette.color($0.name)) })</div>"
            : report.isOverSeeds ? "<p class=\"note\">Faint lines are seeds, bold ones their mean.</p>" : ""
        let parts = stages.map { stage -> Markup in
            let (shown, others) = MetricChart.charts(of: stage.type, with: names(of: stage.runs.map(\.curves)))
            let charts = shown.compactMap { figure($0, of: stage.runs, stage: stage.name) }
            let small = others.compactMap { name in
                figure(
                    MetricChart(title: name, metrics: [.init(name: name)]), of: stage.runs, stage: stage.name,
                    isSmall: true)
            }
            let steps = stage.runs.compactMap { $0.curves.steps.last }.max().map { Int($0) } ?? 0
            let type = stage.type.map { $0 == stage.name ? "" : "\($0), " } ?? ""
            return """
                <h3>\(stage.name)<small>\(type)\(HumanFormat.counted(steps, "step"))</small></h3>
                \(Markup.grid(charts))\(small.isEmpty ? "" : Markup.folded("All other metrics of \(stage.name) (\(small.count))", .grid(small, kind: "small")))
                """
        }
        return "\(keys)\(parts)"
    }

    var numbers: JSON {
        .array(
            stages.flatMap { stage in
                stage.runs.flatMap { run, curves in
                    curves.names.compactMap { name -> JSON? in
                        let points = curves.points(of: name)
                        guard let last = points.last else { return nil }
                        let values = points.map(\.value)
                        let thinned = CurveThinning.thinned(points)
                        return .object([
                            ("run", .string(run.name)), ("stage", .string(stage.name)), ("metric", .string(name)),
                            ("count", .number(points.count)), ("last", .number(last.value)),
                            ("min", .number(values.min())),
                            ("max", .number(values.max())),
                            ("mean", .number(values.reduce(0, +) / Double(values.count))),
                            ("steps", .array(thinned.map { .number(Int($0.step)) })),
                            ("values", .array(thinned.map { .number($0.value) })),
                        ])
                    }
                }
            })
    }

    func forEachRow(_ body: (ReportRow) -> Void) {
        for stage in stages {
            for (run, curves) in stage.runs {
                for name in curves.names {
                    for point in curves.points(of: name) {
                        body(
                            ReportRow(
                                run: run.name, stage: stage.name, step: Int(point.step), metric: name,
                                value: point.value))
                    }
                }
            }
        }
    }

    private func names(of curves: [StageCurves]) -> [String] {
        var names: [String] = []
        var seen: Set<String> = []
        for name in curves.flatMap(\.names) where seen.insert(name).inserted { names.append(name) }
        return names
    }

    private func figure(
        _ chart: MetricChart, of runs: [(run: RunRecord, curves: StageCurves)], stage: String, isSmall: Bool = false
    ) -> Markup? {
        let lines = chart.metrics.flatMap { metric in
            let label = chart.metrics.count == 1 ? nil : chart.label(of: metric)
            return self.lines(metric, label, of: runs, stage: stage)
        }
        guard lines.contains(where: { !$0.points.isEmpty }) else { return nil }
        // The more there are, the fewer points each is drawn by, so that a page of many runs is no larger than it must be.
        let most = isSmall ? 120 : CurveThinning.points
        let points = runs.count <= 2 ? most : max(60, most * 2 / runs.count)
        return LineChart(
            title: chart.title, lines: lines.filter { !$0.points.isEmpty }, points: points, isSmall: isSmall
        ).figure
    }

    private func lines(
        _ metric: MetricChart.Metric, _ label: String?, of runs: [(run: RunRecord, curves: StageCurves)],
        stage: String
    ) -> [LineChart.Line] {
        let style: LineChart.Line.Style = metric.isHeldOut ? .dotted : metric.place > 0 ? .dashed : .solid
        let isNoisy = !MetricChart.isExact(metric.name)
        func line(_ run: (run: RunRecord, curves: StageCurves), _ label: String?, _ color: String) -> LineChart.Line {
            LineChart.Line(
                label: label, color: color, points: run.curves.points(of: metric.name), style: style, isNoisy: isNoisy,
                gaps: run.curves.nonFinite[metric.name] ?? [])
        }
        if runs.count == 1 && report.runs.count == 1 {
            let color = metric.place == 0 ? report.palette.color(stage) : "var(--ink-2)"
            return [line(runs[0], label, color)]
        }
        guard report.isOverSeeds else {
            return runs.map { run in
                let label = metric.place == 0 && !metric.isHeldOut ? run.run.name : label
                return line(run, runs.count > 6 ? nil : label, report.palette.color(run.run.name))
            }
        }
        let color = metric.place == 0 ? report.palette.color(stage) : "var(--ink-2)"
        var seeds = runs.map { line($0, nil, color) }
        let mean = Self.mean(seeds.map(\.points))
        for index in seeds.indices where !mean.isEmpty { seeds[index].isFaint = true }
        return seeds + [LineChart.Line(label: label, color: color, points: mean, style: style, isNoisy: isNoisy)]
    }

    /// The mean of several curves at the steps that all have.
    private static func mean(_ curves: [[CurvePoint]]) -> [CurvePoint] {
        let present = curves.filter { !$0.isEmpty }
        guard present.count > 1 else { return [] }
        var sums: [Double: (sum: Double, count: Int)] = [:]
        for point in present.flatMap(\.self) {
            let old = sums[point.step] ?? (0, 0)
            sums[point.step] = (old.sum + point.value, old.count + 1)
        }
        return sums.filter { $0.value.count == present.count }
            .map { CurvePoint(step: $0.key, value: $0.value.sum / Double(present.count)) }.sorted { $0.step < $1.step }
    }
}
