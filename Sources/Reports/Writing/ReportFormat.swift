import Foundation
import JSON
import PreferenceData
import Runs

/// The forms that a report comes in.
package enum ReportFormat: String, Sendable, CaseIterable {
    /// A page to look at.
    case html
    /// Every number of the page.
    case json
    /// A row a value: run, stage, step, metric, value.
    case csv

    /// The form that a file's name asks for.
    package init?(ofFile name: String) {
        guard let end = name.split(separator: ".").last else { return nil }
        self.init(rawValue: end.lowercased())
    }

    /// The whole text.
    package func text(of report: Report) -> String {
        switch self {
        case .html: ReportPage(report).html
        case .json: Self.json(of: report).compact + "\n"
        case .csv: Self.csv(of: report)
        }
    }

    /// A key for the form's version, what it is of, and a key a section; see `launch/REPORTS.md`.
    private static func json(of report: Report) -> JSON {
        let sections = ReportSections.all.compactMap { $0.init(report) }.map { (type(of: $0).key, $0.numbers) }
        return .object(
            [
                ("version", .number(1)), ("title", .string(report.title)),
                ("made", .string(ReportPage.text(report.date))),
                ("program", .string(BuildInformation.version)), ("over_seeds", .bool(report.isOverSeeds)),
            ] + sections)
    }

    private static func csv(of report: Report) -> String {
        var text = "run,stage,step,metric,value\r\n"
        for section in ReportSections.all.compactMap({ $0.init(report) }) {
            section.forEachRow { row in
                text += quoted(row.run) + "," + quoted(row.stage) + "," + (row.step.map(String.init) ?? "")
                text += "," + quoted(row.metric) + "," + "\(row.value)" + "\r\n"
            }
        }
        return text
    }

    /// A field as RFC 4180 has it.
    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { [0x22, 0x2C, 0x0D, 0x0A].contains($0) }) else { return field }
        return "\"\(field.replacing("\"", with: "\"\""))\""
    }
}

extension Report {
    /// Writes `report.html` into a directory, unless somebody else has put one there.
    ///
    /// - Throws: ``ReportError/unwritable(path:problem:)``
    package func leave(in directory: URL) throws(ReportError) {
        let file = directory.appending(path: "report.html")
        if FileManager.default.fileExists(atPath: file.path) {
            // What tells a page of ours stands at its start.
            let start = (try? FileHandle(forReadingFrom: file).read(upToCount: 1000)) ?? Data()
            guard String(decoding: start, as: UTF8.self).contains(ReportPage.generator.source) else {
                throw .unwritable(
                    path: file.relativePath, problem: "is there already, and no report of mpo's; move it away")
            }
        }
        try write(.html, to: file)
    }

    /// Writes the report as a file that appears when it is whole.
    ///
    /// - Throws: ``ReportError/unwritable(path:problem:)``
    package func write(_ format: ReportFormat, to file: URL) throws(ReportError) {
        let data = Data(format.text(of: self).utf8)
        do {
            try OutputFile.write(data, to: file, sparing: runs.flatMap { [$0.directory.state, $0.directory.metrics] })
        } catch {
            throw .unwritable(path: file.relativePath, problem: error.problem)
        }
    }
}

extension DataError {
    /// What is wrong with a file to write, without its name.
    fileprivate var problem: String {
        switch self {
        case .system(_, let reason), .configuration(_, let reason): reason
        default: "\(self)"
        }
    }
}
