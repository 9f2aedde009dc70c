import Foundation
import TestSupport
import Testing

@Suite("mpo report", .serialized)
struct ReportCommandTests {
    @Test("A run leaves its report, which the command writes anew, and in other forms")
    func forms() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 2, train_batch_size: 2}")
            try workspace.mpo("train", "run.yaml")
            #expect(try workspace.read("out/report.html").contains("One run, finished"))
            #expect(try workspace.mpo("report", "out").output == "out/report.html\n")
            let lines = try workspace.mpo("report", "out", "--format", "csv", "--output", "-").output.split(
                separator: "\r\n")
            let loss = try workspace.read("out/metrics.jsonl").matches(of: /"loss":([0-9.e-]+)/).map { String($0.1) }
            #expect(loss.count == 2)
            #expect(
                lines.filter { $0.contains(",loss,") } == ["out,sft,1,loss,\(loss[0])", "out,sft,2,loss,\(loss[1])"])
            #expect(try workspace.mpo("report", "out", "--output", "first.json").output == "first.json\n")
            #expect(try workspace.read("first.json").hasPrefix(#"{"version":1,"title":"out","#))

            // Somebody's own file of that name stays, and the run is none the worse.
            try workspace.write("mine", to: "out/report.html")
            let again = try workspace.mpo("train", "run.yaml", "--resume")
            #expect(
                again.errors.contains(
                    "mpo: warning: no report.html: out/report.html: is there already"))
            #expect(try workspace.read("out/report.html") == "mine")
        }
    }

    @Test(
        "What cannot be reported on is an error in one line",
        arguments: [
            (["none"], "mpo: none: cannot be read: No such file or directory; check the path and its permissions"),
            (["policy"], "mpo: policy: is no run directory (neither run.json nor metrics.jsonl)"),
            (["policy", "--format", "pdf"], "write one of html, json, csv"),
            ([], "Missing expected argument '<runs> ...'"),
        ])
    func errors(arguments: [String], problem: String) throws {
        try Workspace.with { workspace in
            let result = try workspace.mpo(["report"] + arguments, status: 2)
            #expect(result.errors.contains(problem), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
            #expect(result.output.isEmpty)
        }
    }
}
