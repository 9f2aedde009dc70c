import JSON

/// Every key of the configuration, folded.
struct SettingsSection: ReportSection {
    static let title = "Settings"
    static let key = "settings"

    private let report: Report
    /// Of seeds one stands for all.
    private let runs: [RunRecord]

    init?(_ report: Report) {
        self.report = report
        runs = (report.isOverSeeds ? Array(report.runs.prefix(1)) : report.runs).filter { !$0.settings.isEmpty }
        guard !runs.isEmpty else { return nil }
    }

    var body: Markup {
        Markup.joined(
            runs.map { run in
                var table = DataTable([.text("key"), .prose("value")])
                for (key, value) in run.settings.sorted(by: { $0.key < $1.key }) { table.add(["\(key)", "\(value)"]) }
                let name = report.runs.count > 1 ? " of \(run.name)" : ""
                return .folded(
                    "All \(run.settings.count) keys\(name), as resolved",
                    "<div class=\"settings\">\(table.markup)</div>")
            })
    }

    var numbers: JSON {
        .array(
            report.runs.map { run in
                let settings = run.settings.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }
                return .object([("run", .string(run.name)), ("settings", .object(settings))])
            })
    }
}
