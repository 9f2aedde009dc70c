import Foundation
import JSON
import Reports
import TestSupport
import Testing

@Suite("Forms of a report")
struct ReportFormatTests {
    @Test("JSON has a key a section, with the numbers of the files")
    func json() throws {
        let text = try RecordedRun.with { run in
            try run.writeAll()
            return ReportFormat.json.text(of: try run.report)
        }
        guard case .object(let root) = try JSON(parsing: text) else { throw Missing() }
        #expect(
            root.keys == [
                "version", "title", "made", "program", "over_seeds", "overview", "evaluation", "distributions",
                "curves", "samples", "timing",
                "settings",
            ])
        #expect(root["version"]?.integer == 1)
        let curve = try object(root["curves"])
        #expect(curve["metric"]?.text == "loss" && curve["count"]?.integer == 10)
        #expect(curve["last"]?.double == 0.1 && curve["max"]?.double == 1)
        let evaluation = try object(root["evaluation"])
        #expect(try object(evaluation["matches"])["win_rate"]?.double == 0.75)
        #expect(try object(evaluation["policies"])["mean_score"]?.double == 1.25)
    }

    @Test("CSV has a row a value, and quotes what holds its signs")
    func csv() throws {
        let text = try RecordedRun.with("a,\"run\"") { run in
            try run.writeAll()
            return ReportFormat.csv.text(of: try run.report)
        }
        let lines = text.components(separatedBy: "\r\n")
        #expect(lines[0] == "run,stage,step,metric,value")
        #expect(lines.contains("\"a,\"\"run\"\"\",sft,2,loss,0.5"))
        #expect(lines.contains("\"a,\"\"run\"\"\",evaluate,,win_rate/dpo/sft,0.75"))
        #expect(lines.count { $0.contains(",loss,") } == 10)
        #expect(lines.last == "")
    }

    @Test("A file's name asks for its form")
    func names() {
        #expect(ReportFormat(ofFile: "a/b.JSON") == .json)
        #expect(ReportFormat(ofFile: "b.csv") == .csv)
        #expect(ReportFormat(ofFile: "b.txt") == nil)
    }

    @Test("What is no run is refused in one line with a way out")
    func errors() throws {
        try TestSupport.withTemporaryDirectory { directory in
            func error(_ paths: [String]) -> String {
                do { _ = try Report(paths) } catch { return "\(error)" }
                return ""
            }
            #expect(error([directory.path]).contains("is no run directory"))
            #expect(error([directory.path + "/none"]).contains("cannot be read: No such file or directory; check"))
            let run = try RecordedRun(directory.appending(path: "run"))
            try run.writeAll()
            #expect(error([run.directory.path, directory.path + "/./run"]).contains("is named twice"))
            let report = try run.report
            let nowhere = directory.appending(path: "none/report.html")
            #expect { try report.write(.html, to: nowhere) } throws: {
                "\($0)".contains("none/report.html: cannot be written: No such file")
            }
            // What is read is not written over.
            let metrics = run.directory.appending(path: "metrics.jsonl")
            #expect(throws: ReportError.self) { try report.write(.html, to: metrics) }
            #expect(error([run.directory.path]) == "")
        }
    }

    private struct Missing: Error {}

    /// An object, or the first of a list of them.
    private func object(_ value: JSON?) throws -> JSONObject {
        switch value {
        case .object(let object)?: return object
        case .array(let values)?: return try object(values.first)
        default: throw Missing()
        }
    }
}
