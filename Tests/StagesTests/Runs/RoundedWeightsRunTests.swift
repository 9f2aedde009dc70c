import Foundation
import TestSupport
import Testing
import Torch

/// `zero: 2` with `dtype: bfloat16`: learners hold rounded weights whole, and what they are rounded from divided.
@Suite("Runs on rounded weights", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct RoundedWeightsRunTests {
    // Updates in proportion to gradients: AdamW would make rounding of the smallest ones as large as any.
    private static let stages = """
        bf16: true
        dataset: {train: train.jsonl, eval: [], max_length: 128, max_prompt_length: 96, truncation_mode: drop_turns}
        save_steps: 1
        stages: [sft, reward, dpo, ppo]
        sft: {max_steps: 2, train_batch_size: 3, ALL}
        reward: {init: base, max_steps: 2, train_batch_size: 4, max_tokens_per_micro_batch: 300, \
        gradient_checkpointing: true, multi_view: {weight: 0.5}, ALL}
        dpo: {init: base, max_steps: 2, train_batch_size: 4, max_tokens_per_micro_batch: 150, weight_decay: 0.1, ALL}
        ppo: {init: base, critic_init: reward, critic_learning_rate: 1.0e-2, reward: "rule:length:9", max_steps: PPO, rollout_batch_size: 4, response_length: 8, \
        num_ppo_epochs: 1, num_mini_batches: 1, ALL}
        """

    private func configure(_ workspace: RunWorkspace, zero: Int, ppoSteps: Int = 1, _ lines: String = "") throws {
        let options = "learning_rate: 1.0e-2, adam_epsilon: 0.1, zero: \(zero)"
        try workspace.configure(
            Self.stages.replacing("ALL", with: options).replacing("PPO", with: "\(ppoSteps)") + lines)
    }

    private func tensors(_ workspace: RunWorkspace, _ path: String) throws -> [String: [Float]] {
        let file = try SafetensorsFile(workspace.url("\(path).safetensors"))
        return try Dictionary(uniqueKeysWithValues: file.entries.keys.map { ($0, try file.tensor($0).floats()) })
    }

    private func expectNear(
        _ workspace: RunWorkspace, _ run: String, to whole: String, _ files: [String], within bound: Double
    ) throws {
        for file in files {
            let (ours, theirs) = (
                try tensors(workspace, "\(run)/stages/\(file)"), try tensors(workspace, "\(whole)/stages/\(file)")
            )
            #expect(ours.keys == theirs.keys && !ours.isEmpty)
            let (name, error) = try largestError(ours) { try #require(theirs[$0]) }
            #expect(error < bound, "\(run): \(file) \(name): \(error)")
        }
    }

    @Test("A learner alone makes the bytes of one that keeps all weights in float32, of models and checkpoints")
    func alone() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12, eval: 1)
            for zero in [0, 2] {
                try configure(workspace, zero: zero, ppoSteps: 2)
                try workspace.train(["output_dir=zero-\(zero)"])
            }
            for file in [
                "01-sft/final/model", "02-reward/final/model", "03-dpo/checkpoint-00000001/model",
                "03-dpo/checkpoint-00000001/optimizer", "03-dpo/final/model", "04-ppo/checkpoint-00000001/critic/model",
                "04-ppo/checkpoint-00000001/optimizer", "04-ppo/final/model", "04-ppo/critic/model",
            ] {
                let path = "stages/\(file).safetensors"
                #expect(try workspace.data("zero-2/\(path)") == workspace.data("zero-0/\(path)"), "\(file)")
            }
            #expect(
                try workspace.metrics("zero-2").map(\.timeless) == workspace.metrics("zero-0").map(\.timeless))
        }
    }

    @Test(
        "Several are within rounding of that, where others draw responses and a reference follows the policy too",
        arguments: [2, 3])
    func several(learners: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12, eval: 1)
            for zero in [0, 2] {
                try configure(workspace, zero: zero)
                try workspace.train(
                    ranks: learners + 2,
                    [
                        "output_dir=zero-\(zero)", "ppo.placement=split", "ppo.learners=\(learners)",
                    ])
            }
            let files = [
                "01-sft/checkpoint-00000001/model", "02-reward/checkpoint-00000001/model",
                "03-dpo/checkpoint-00000001/model", "03-dpo/checkpoint-00000001/optimizer",
            ]
            try expectNear(workspace, "zero-2", to: "zero-0", files, within: 1e-6)
            let models = [
                "01-sft/final/model", "02-reward/final/model", "03-dpo/final/model", "04-ppo/final/model",
                "04-ppo/critic/model",
            ]
            try expectNear(workspace, "zero-2", to: "zero-0", models, within: 1e-2)
        }
    }

    private static let dpo = """
        bf16: true
        dataset: {train: train.jsonl, eval: [], max_length: 96, max_prompt_length: 64, truncation_mode: drop_turns}
        stages: [dpo, ppo]
        dpo: {max_steps: 6, train_batch_size: 3, save_steps: 2, learning_rate: 1.0e-2, adam_epsilon: 0.1, zero: ZERO}
        ppo: {reward: "rule:length:9", max_steps: 6, rollout_batch_size: 3, response_length: 6, save_steps: 2, \
        num_ppo_epochs: 1, num_mini_batches: 1, learning_rate: 1.0e-3, sync_ref_model: true, ref_model_sync_steps: 1, zero: ZERO}
        """

    @Test(
        "A run that is killed after a checkpoint, or stopped before weights travel, goes on to the bytes of one that is not"
    )
    func resumed() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 9, eval: 1)
            try workspace.configure(Self.dpo.replacing("ZERO", with: "2"))
            try workspace.train(ranks: 4, ["output_dir=whole"])
            let killed = try workspace.end(workspace.job(ranks: 4), at: Moment(lines: 3)) { _ in
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            #expect(killed.status != 0 && !workspace.has("out/stages/01-dpo/final"))
            let stopped = try workspace.end(workspace.job(ranks: 4, resume: true), at: Moment(lines: 5)) {
                kill($0, SIGUSR1)
            }
            #expect(stopped.status == 75, "\(stopped.errors)")
            try workspace.train(ranks: 4, resume: true)
            try workspace.expectSame()
        }
    }

    @Test("A checkpoint goes on under any other division and number of learners, and the other way round")
    func resumedOnOthers() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 9, eval: 1)
            let overrides = ["stages=[dpo]"]
            func configure(zero: Int) throws {
                try workspace.configure(Self.dpo.replacing("ZERO", with: "\(zero)"))
            }
            try configure(zero: 0)
            try workspace.train(ranks: 3, overrides + ["output_dir=whole"])
            for (first, then, ranks) in [
                (0, 2, 4), (2, 1, 1), (2, 2, 3),
            ] {
                try configure(zero: first)
                let job = try workspace.job(ranks: first == 0 ? 3 : 4, overrides)
                let stopped = try workspace.end(job, at: Moment(lines: 2)) { kill($0, SIGUSR1) }
                #expect(stopped.status == 75, "\(stopped.errors)")
                try configure(zero: then)
                try workspace.train(
                    ranks: ranks, resume: true, overrides, flags: ["--allow-inexact", "--allow-config-change"])
                try expectNear(workspace, "out", to: "whole", ["01-dpo/final/model"], within: 1e-2)
                try FileManager.default.removeItem(at: workspace.url("out"))
            }
        }
    }

    @Test("The best checkpoint's weights become final, rounded")
    func best() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 12, eval: 4)
            // The rate makes held-out loss go up.
            try workspace.configure(
                """
                bf16: true
                dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 96, max_prompt_length: 64, \
                truncation_mode: drop_turns}
                save_steps: 1
                stages: [sft]
                sft: {max_steps: 3, train_batch_size: 4, learning_rate: 1.0e-2, lr_scheduler_type: constant, eval_steps: 1, \
                load_best_model_at_end: true, zero: 2}
                """)
            try workspace.train(ranks: 3)
            let losses = try workspace.metrics().map { try #require($0.values["eval_loss"]) }
            let best = try #require(losses.indices.min { losses[$0] < losses[$1] })
            #expect(best + 1 < losses.count)
            let kept = try tensors(workspace, "out/stages/01-sft/checkpoint-0000000\(best + 1)/model")
            for (name, numbers) in try tensors(workspace, "out/stages/01-sft/final/model") {
                let whole = Tensor(try #require(kept[name]))
                #expect(numbers == whole.converted(to: .bfloat16).floats(), "\(name)")
            }
        }
    }
}
