import Foundation
import TestSupport
import Testing

@Suite("Standard output and error that cannot be written", .serialized)
struct StandardStreamsTests {
    /// Runs a line of shell in which `$0` is `mpo`.
    private func shell(_ line: String, in workspace: Workspace) throws -> Job.Result {
        try Job(
            URL(filePath: "/bin/bash"), ["-c", line, TestSupport.product("mpo").path],
            environment: ["OMP_NUM_THREADS": "1"], directory: workspace.directory, timeLimit: 120
        ).run()
    }

    @Test("A training goes on where nobody can be told of its progress, and opens no file in the place of its log")
    func progress() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]", "sft: {max_steps: 20, train_batch_size: 2}")
            let ways = ["2>/dev/full", "2>&-", "<&- >&- 2>&-", "2> >(head -n 1 >/dev/null)"]
            for (number, way) in ways.enumerated() {
                let line = "MPO_PROGRESS=bar \"$0\" train run.yaml --set output_dir=out\(number) \(way)"
                let result = try shell(line, in: workspace)
                #expect(result.status == 0, "\(way): \(result.errors)")
                let metrics = try workspace.read("out\(number)/metrics.jsonl").split(separator: "\n")
                #expect(metrics.count == 20 && metrics.allSatisfy { $0.hasPrefix("{") }, "\(way)")
            }
        }
    }

    @Test(
        "What a command was asked for and cannot say ends it with a line and status 1; a reader that has enough, by SIGPIPE"
    )
    func results() throws {
        try Workspace.with { workspace in
            try workspace.configure(stages: "[sft]")
            let commands = [
                "plan run.yaml -n 1", "inspect run.yaml", "train run.yaml --print-config", "--help", "--version",
                "generate --model policy --prompt a --response-length 1", "tokenize --model policy <pairs.jsonl",
            ]
            for command in commands {
                let full = try shell("\"$0\" \(command) >/dev/full", in: workspace)
                #expect(full.status == 1)
                #expect(full.errors == "mpo: standard output cannot be written: No space left on device\n")
                let closed = try shell("\"$0\" \(command) >&-", in: workspace)
                #expect(closed.status == 1)
                #expect(closed.errors == "mpo: standard output cannot be written: Bad file descriptor\n")
            }
            let piped = try shell("\"$0\" --help | exit 0; exit ${PIPESTATUS[0]}", in: workspace)
            #expect([0, 141].contains(piped.status))
            #expect(piped.errors.isEmpty)
        }
    }
}
