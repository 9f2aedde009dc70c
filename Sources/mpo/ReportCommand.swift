import ArgumentParser
import Foundation
import MPI
import Reports
import Runs

struct ReportCommand: LoneCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show what a run, several runs or a study did, as one file.",
        discussion: """
            A page with curves, reward gaps, win rates, samples side by side, times and warnings; it needs no network and no \
            script. Also every number as JSON, or as CSV with a row a value. A run that is still going on, was stopped or has \
            damaged files is shown as far as it came, and the page says so.

            Example: mpo report runs/first
            """)

    @Argument(
        help: "Run directories (output_dir of a run), or what launch/study has written into.",
        transform: \.expandingHome)
    var runs: [String]

    @Option(
        help: ArgumentHelp(
            "Where it goes; - for standard output. (default: report.html in the run's directory, or in this one for several)",
            valueName: "file"),
        transform: \.expandingHome)
    var output: String?

    @Option(
        help: ArgumentHelp(
            "html, json or csv. (default: by the ending of --output, else html)", valueName: "format"),
        transform: { text in
            guard let format = ReportFormat(rawValue: text) else {
                throw ValidationError("write one of \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return format
        })
    var format: ReportFormat?

    func work() throws {
        let report = try Report(runs)
        let format = format ?? output.flatMap(ReportFormat.init(ofFile:)) ?? .html
        guard output != "-" else { return try StandardOutput.write(format.text(of: report)) }
        let name = "report.\(format.rawValue)"
        let file = output.map { URL(filePath: $0) } ?? report.home?.appending(path: name) ?? URL(filePath: name)
        try report.write(format, to: file)
        try StandardOutput.write("\(file.relativePath)\n")
    }
}
