import JSON

/// What a reader has to know before the numbers: runs that have not ended, files that are damaged, and numbers that look wrong.
struct WarningsSection: ReportSection {
    static let title = "Warnings"
    static let key = "warnings"

    /// One line, and of what; a run is named only where there are several.
    private struct Warning {
        var run: String?
        var stage: String?
        var text: String
    }

    private let warnings: [Warning]

    init?(_ report: Report) {
        let isAlone = report.runs.count == 1
        warnings =
            report.problems.map { Warning(text: $0) }
            + report.runs.flatMap { run -> [Warning] in
                let name = isAlone ? nil : run.name
                let status =
                    run.status.warning.map { [Warning(run: name, text: (isAlone ? "the run " : "") + $0)] } ?? []
                let health = run.stages.flatMap { stage in
                    HealthChecks.warnings(of: stage).map { Warning(run: name, stage: stage.name, text: $0) }
                }
                return status + run.problems.map { Warning(run: name, text: $0) } + health
            }
        guard !warnings.isEmpty else { return nil }
    }

    var body: Markup {
        let items = warnings.map { warning -> Markup in
            let place = [warning.run, warning.stage].compactMap(\.self).joined(separator: ", ")
            return place.isEmpty ? "<li>\(warning.text)</li>\n" : "<li><b>\(place)</b> \(warning.text)</li>\n"
        }
        return "<ul class=\"warnings\">\(items)</ul>"
    }

    var numbers: JSON {
        .array(
            warnings.map { warning in
                .object([
                    ("run", warning.run.map { .string($0) } ?? .null),
                    ("stage", warning.stage.map { .string($0) } ?? .null),
                    ("text", .string(warning.text)),
                ])
            })
    }
}
