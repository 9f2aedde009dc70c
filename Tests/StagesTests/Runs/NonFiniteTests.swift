import Foundation
import TestSupport
import Testing

@Suite(
    "Runs whose loss or gradient is not finite", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct NonFiniteTests {
    /// One step at this rate leaves weights that no loss is finite with.
    private static let stages = """
        dataset: {train: train.jsonl, eval: [], max_length: 96, max_prompt_length: 64, truncation_mode: drop_turns}
        stages: [dpo]
        dpo: {max_steps: 30, train_batch_size: 6, learning_rate: 1.0e+30, lr_scheduler_type: constant, max_grad_norm: 0, \
        max_tokens_per_micro_batch: 200}
        """

    @Test("End, with status 1 and the step, micro-batch, rank and examples named", arguments: [(1, 0), (3, 0), (3, 2)])
    func stops(ranks: Int, zero: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let result = try workspace.train(ranks: ranks, status: 1, ["dpo.zero=\(zero)"])
            let lines = result.errors.split(separator: "\n").filter { $0.contains("is not finite") }
            #expect(lines.count == 1, "all workers find it, and one tells it: \(lines)")
            let line = try #require(lines.first)
            let place = ranks == 1 ? "0" : "[12]"
            let pattern = try Regex(
                #"dpo: step 2: the (loss|gradient) of micro-batch 1 of \d+ on rank \#(place) \(examples \d+"#)
            #expect(line.firstMatch(of: pattern) != nil, "\(line)")
            #expect(line.contains("on_non_finite: skip"), "\(line)")
            #expect(try workspace.metrics().map(\.step) == [1])
            // What a study knows an arm that diverged by; it does not stand in the way of another start.
            let note = "out/stages/01-dpo/not_finite.json"
            #expect(workspace.has(note))
            try workspace.train(
                ranks: ranks, resume: true,
                ["dpo.learning_rate=1.0e-3", "dpo.max_steps=2", "dpo.zero=\(zero)"],
                flags: ["--allow-config-change"])
            #expect(!workspace.has(note))
        }
    }

    @Test("End too where it is the last update that leaves such weights", arguments: [1, 3])
    func lastUpdate(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let options = ["dpo.max_steps=1", "dpo.learning_rate=1.0e+39"]
            let result = try workspace.train(ranks: ranks, status: 1, options)
            #expect(
                result.errors.contains("dpo: step 1: a weight that its update left is not finite"), "\(result.errors)")
            #expect(!result.errors.contains("skip"), "no step is left to skip: \(result.errors)")
            #expect(!workspace.has("out/stages/01-dpo/final"))
        }
    }

    @Test(
        "Go on past such steps where told to, count them, and give up after ten in a row",
        arguments: [(1, 0), (3, 0), (3, 2)])
    func skips(ranks: Int, zero: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let result = try workspace.train(
                ranks: ranks, status: 1, ["dpo.on_non_finite=skip", "dpo.lr_scheduler_type=linear", "dpo.zero=\(zero)"])
            #expect(result.errors.contains("dpo: step 2 skipped: the "), "\(result.errors)")
            #expect(result.errors.contains("dpo: step 11: for 10 steps in a row, and last, the "), "\(result.errors)")
            #expect(!result.errors.contains("on_non_finite: skip"), "it skips already: \(result.errors)")
            let lines = String(decoding: try workspace.data("out/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
            #expect(lines.count == 10)
            #expect(lines.last?.contains("\"non_finite_steps\":9") ?? false, "\(lines)")
            #expect(lines.last?.contains("\"grad_norm\":\"NaN\"") ?? false, "\(lines)")
            // The tenth of 30 steps has its own place in the schedule, though one update was made.
            let rate = try #require(lines.last?.firstMatch(of: /"learning_rate":([0-9.e+]+)/)).1
            #expect(abs(try #require(Double(rate)) - 0.7e30) < 1e20)
        }
    }

    private func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addPairs(train: 24, eval: 1)
        try workspace.configure(Self.stages)
    }
}
