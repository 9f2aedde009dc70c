import Foundation
import TestSupport
import Testing

@Suite("Studies", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct StudyRunTests {
    private static let configuration = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 96, max_prompt_length: 64, \
        truncation_mode: drop_turns}
        stages: [sft, dpo, ipo, evaluate]
        save_steps: 1
        sft: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-3, eval_data: []}
        dpo: {max_steps: 3, train_batch_size: 8, learning_rate: 1.0e-2}
        ipo: {type: dpo, loss_type: ipo, max_steps: 3, train_batch_size: 8, learning_rate: 1.0e-2}
        evaluate: {judge: "rule:length:6", num_prompts: 8, response_length: 12}
        """

    private func study(_ workspace: RunWorkspace, in output: String, _ more: [String] = []) -> Job {
        Job(
            TestSupport.repository.appending(path: "launch/study"),
            ["-n", "3", "run.yaml", "--seeds", "1-2", "--arms", "dpo,ipo", "--set", "output_dir=\(output)"] + more,
            environment: ["MPO_BINARY": TestSupport.product("mpo").path, "MPO_CORES": "2", "MPO_PROGRESS": "plain"],
            directory: workspace.directory, timeLimit: 120)
    }

    /// Waits until a seed's run has written so many lines of metrics.
    private func waits(_ workspace: RunWorkspace, _ run: String, lines: Int) -> Bool {
        TestSupport.waits {
            (try? workspace.data("\(run)/metrics.jsonl"))?.count { $0 == UInt8(ascii: "\n") } ?? 0 >= lines
        }
    }

    @Test("A study that was killed twice goes on to the bytes of one that was left alone, and runs no seed again")
    func killed() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 32, eval: 8)
            try workspace.configure(Self.configuration)
            let whole = try study(workspace, in: "whole").run()
            #expect(whole.status == 0, "\(whole.errors)")

            let failed = try study(workspace, in: "out").run { _ in
                #expect(waits(workspace, "out/seed-1", lines: 3))
                // A worker, in the middle of a stage.
                let worker = workspace.processes.last
                #expect(worker != nil)
                if let worker { kill(worker, SIGKILL) }
            }
            #expect(failed.status == 1)
            #expect(failed.errors.contains(/launch\/study: error: seed . \(. of 2\) failed with status 1: .*\n$/))
            let orphaned = try study(workspace, in: "out").run { process in
                #expect(waits(workspace, "out/seed-2", lines: 1))
                kill(process, SIGKILL)
            }
            #expect(orphaned.errors.contains("seed 1 (1 of 2): out/seed-1") && orphaned.status == 128 + SIGKILL)
            #expect(TestSupport.waits { workspace.processes.isEmpty }, "a killed study leaves no job")
            #expect(!workspace.has("out/study.json"))

            let resumed = try study(workspace, in: "out").run()
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(!resumed.errors.contains("seed 1 (1 of 2)"), "a finished seed is not run again")
            #expect(try workspace.data("out/study.json") == workspace.data("whole/study.json"))
            let rows = [whole, resumed].map { result in
                let rows = result.output.split(separator: "\n").filter { $0.hasPrefix("dpo ") || $0.hasPrefix("ipo ") }
                // The last column is by the clock.
                return rows.map { $0.split(separator: " ").dropLast().joined(separator: " ") }
            }
            #expect(rows[0].count == 2 && rows[0] == rows[1])

            // What is finished is only read.
            let again = try study(workspace, in: "out").run()
            #expect(again.status == 0 && again.errors.isEmpty && again.output == resumed.output)
        }
    }

    @Test(
        "Each arm is tuned on other seeds, and goes on with its best value",
        .enabled(if: TestSupport.runsLongTests, "set MPO_LONG_TESTS=1"))
    func tuned() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 32, eval: 8)
            try workspace.configure(Self.configuration)
            let options = ["--tune", "learning_rate=1e-4,1e-2", "--tune-seeds", "90-91"]
            let result = try study(workspace, in: "out", options).run()
            #expect(result.status == 0, "\(result.errors)")
            let study = try #require(
                try JSONSerialization.jsonObject(with: workspace.data("out/study.json")) as? [String: Any])
            let tuning = try #require(study["tuning"] as? [String: Any])
            for arm in try #require(tuning["arms"] as? [[String: Any]]) {
                let (means, name) = (try #require(arm["means"] as? [Double]), try #require(arm["name"] as? String))
                let best = means[1] > means[0] ? "1e-2" : "1e-4"
                #expect(arm["chosen"] as? String == best)
                for seed in 1...2 {
                    let settings = String(decoding: try workspace.data("out/seed-\(seed)/config.yaml"), as: UTF8.self)
                    let block = try #require(settings.split(separator: "\n\(name):\n").last)
                    let line = try #require(block.firstMatch(of: /learning_rate: (\S+)/))
                    #expect(Double(line.1) == Double(best))
                }
            }
        }
    }
}
