import Foundation
import TestSupport
import Testing

@Suite("Runs that are ended and resumed", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ResumeTests {
    /// Steps that take long enough to be ended between two checkpoints.
    private static let stages = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 192, max_prompt_length: 128, \
        truncation_mode: drop_turns}
        save_steps: 2
        stages: [sft, dpo, ppo]
        sft: {max_steps: 9, train_batch_size: 8, learning_rate: 1.0e-3, warmup_steps: 3, weight_decay: 0.1}
        dpo: {max_steps: 9, train_batch_size: 6, learning_rate: 1.0e-4, lr_scheduler_type: cosine}
        ppo: {reward: "rule:length:9", max_steps: 9, rollout_batch_size: 6, n_samples_per_prompt: 2, \
        response_length: 12, num_ppo_epochs: 2, num_mini_batches: 2, kl_target: 1.0, kl_horizon: 100, \
        scale_reward: running, learning_rate: 1.0e-4}
        """

    @Test("One that is killed in each stage, and resumed each time, ends as one that never stopped", arguments: [1, 3])
    func killedInEachStage(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            try workspace.train(ranks: ranks, ["output_dir=whole"])
            for (number, stage) in ["01-sft", "02-dpo", "03-ppo"].enumerated() {
                try kill(workspace, ranks: ranks, resume: number > 0, onceThereIs: "\(stage)/checkpoint-0000000\(4)")
                #expect(!workspace.has("out/stages/\(stage)/final"), "\(stage) was over before it was killed")
            }
            let finished = try modified(workspace, "out/stages/01-sft/final/model.safetensors")
            let last = try workspace.train(ranks: ranks, resume: true)
            #expect(!last.errors.contains("sft"), "a finished stage has run again: \(last.errors)")
            #expect(try modified(workspace, "out/stages/01-sft/final/model.safetensors") == finished)
            try workspace.expectSame()
        }
    }

    @Test(
        "A damaged checkpoint is passed over for the one before it",
        arguments: ["truncated", "flipped", "without its manifest", "without a file"])
    func damaged(damage: String) throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let options = ["stages=[dpo]", "save_total_limit=3"]
            try workspace.train(options + ["output_dir=whole"])
            try kill(workspace, options, onceThereIs: "01-dpo/checkpoint-00000006")
            let checkpoint = workspace.url("out/stages/01-dpo/checkpoint-00000006")
            try harm(checkpoint, damage)
            let resumed = try workspace.train(resume: true, options)
            #expect(resumed.errors.contains("from 4 on"), "\(resumed.errors)")
            try workspace.expectSame()
        }
    }

    @Test("Without a whole checkpoint a stage starts over, and ends the same")
    func startsOver() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let options = ["stages=[dpo]"]
            try workspace.train(options + ["output_dir=whole"])
            try kill(workspace, options, onceThereIs: "01-dpo/checkpoint-00000004")
            for step in ["2", "4", "6", "8"] {
                try? FileManager.default.removeItem(
                    at: workspace.url("out/stages/01-dpo/checkpoint-0000000\(step)/manifest.json"))
            }
            let resumed = try workspace.train(resume: true, options)
            #expect(!resumed.errors.contains(" on\n"))
            try workspace.expectSame()
        }
    }

    @Test("A directory that holds a run is refused without --resume and left as it was; one that holds none with it")
    func refused() throws {
        try RunWorkspace.with { workspace in
            try prepare(workspace)
            let options = ["stages=[sft]", "sft.max_steps=1"]
            let early = try workspace.train(resume: true, status: 2, options)
            #expect(early.errors.contains("no run to resume"))
            #expect(!workspace.has("out"))
            try workspace.train(options)
            let weights = try workspace.weights("out", "01-sft")
            for ranks in [1, 3] {
                let again = try workspace.train(ranks: ranks, status: 2, options + ["sft.learning_rate=1.0"])
                #expect(again.errors.contains("go on with --resume, or choose another output_dir"))
            }
            #expect(try workspace.weights("out", "01-sft") == weights)
            #expect(try workspace.metrics().count == 1)
        }
    }

    private func prepare(_ workspace: RunWorkspace) throws {
        try workspace.addPairs()
        try workspace.configure(Self.stages)
    }

    /// Starts or resumes the run and kills it as soon as a checkpoint of this name appears.
    private func kill(
        _ workspace: RunWorkspace, ranks: Int = 1, resume: Bool = false, _ options: [String] = [],
        onceThereIs checkpoint: String
    ) throws {
        let result = try workspace.job(ranks: ranks, resume: resume, options, timeLimit: 120).run { _ in
            let deadline = Date(timeIntervalSinceNow: 100)
            while !workspace.has("out/stages/\(checkpoint)"), Date() < deadline { usleep(1000) }
            // At once, as when the power fails.
            for process in workspace.processes { Foundation.kill(process, SIGKILL) }
        }
        #expect(result.status != 0, "the run was over before it was killed")
        #expect(workspace.has("out/stages/\(checkpoint)"), "\(result.errors)")
    }

    private func harm(_ checkpoint: URL, _ damage: String) throws {
        let weights = checkpoint.appending(path: "model.safetensors")
        var bytes = try Data(contentsOf: weights)
        switch damage {
        case "truncated": try bytes.prefix(bytes.count / 2).write(to: weights)
        case "without a file": try FileManager.default.removeItem(at: weights)
        default:
            bytes[bytes.count - 2] ^= 0x40
            try bytes.write(to: weights)
            guard damage == "without its manifest" else { return }
            try FileManager.default.removeItem(at: checkpoint.appending(path: "manifest.json"))
        }
    }

    private func modified(_ workspace: RunWorkspace, _ path: String) throws -> Date? {
        try FileManager.default.attributesOfItem(atPath: workspace.url(path).path)[.modificationDate] as? Date
    }
}
