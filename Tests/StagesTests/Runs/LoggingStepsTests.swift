import Foundation
import TestSupport
import Testing

@Suite("Lines of metrics every few steps", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct LoggingStepsTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 192, max_prompt_length: 128, \
        truncation_mode: drop_turns}
        save_steps: 2
        stages: [sft, ppo]
        sft: {max_steps: 9, train_batch_size: 8, learning_rate: 1.0e-3, eval_data: []}
        ppo: {reward: "rule:length:9", max_steps: 9, rollout_batch_size: 6, response_length: 12, num_ppo_epochs: 1}
        """

    @Test("A warm-up that takes the whole stage is told")
    func warmup() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 8, eval: 1)
            try workspace.configure(Self.stages)
            let options = ["stages=[sft]", "sft.max_steps=2"]
            let told = try workspace.train(options + ["sft.warmup_steps=2"])
            #expect(told.errors.contains("  sft: warmup_steps 2 covers all 2 steps of the stage: "), "\(told.errors)")
            let shorter = try workspace.train(options + ["sft.warmup_steps=1", "output_dir=shorter"])
            #expect(!shorter.errors.contains("warmup"))
        }
    }

    @Test("They are means of the steps since the line before, the last step has one, and a resumed run has the same")
    func means() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.stages)
            try workspace.train(["output_dir=each"])
            try workspace.train(["output_dir=whole", "logging_steps=4"])
            let each = Dictionary(grouping: try workspace.metrics("each"), by: \.stage)
            let lines = Dictionary(grouping: try workspace.metrics("whole"), by: \.stage)
            for (stage, figure, rate) in [("01-sft", "loss", "learning_rate"), ("02-ppo", "objective/scores", "lr")] {
                let steps = try #require(each[stage])
                #expect(steps.map(\.step) == Array(1...9))
                #expect(lines[stage]?.map(\.step) == [4, 8, 9])
                for (line, range) in zip(lines[stage] ?? [], [0..<4, 4..<8, 8..<9]) {
                    let mean = steps[range].compactMap { $0.values[figure] }.reduce(0, +) / Double(range.count)
                    #expect(abs(try #require(line.values[figure]) - mean) < 1e-12)
                    #expect(line.values[rate] == steps[line.step - 1].values[rate])
                }
            }
            for stage in ["01-sft", "02-ppo"] {
                // Steps 5 and 6 have no line where the checkpoint is made.
                let job = try workspace.job(ranks: 1, resume: stage == "02-ppo", ["logging_steps=4"])
                _ = try job.run { _ in
                    let deadline = Date(timeIntervalSinceNow: 100)
                    while !workspace.has("out/stages/\(stage)/checkpoint-00000006"), Date() < deadline { usleep(1000) }
                    for process in workspace.processes { kill(process, SIGKILL) }
                }
                #expect(!workspace.has("out/stages/\(stage)/final"), "\(stage) was over before it was killed")
            }
            try workspace.train(resume: true, ["logging_steps=4"])
            try workspace.expectSame()
        }
    }
}
