import Foundation
import TestSupport
import Testing
import Torch

/// `zero: 1` and `gradient_checkpointing: true` save memory and change no bit; `zero: 2` adds in another order.
@Suite("Runs that save memory", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct MemorySavingTests {
    private static let stages = """
        dataset: {train: train.jsonl, eval: [], max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
        stages: [dpo, ppo]
        dpo: {max_steps: 4, train_batch_size: 6, save_steps: 2, learning_rate: 1.0e-3, weight_decay: 0.1, ZERO}
        ppo: {reward: "rule:length:9", max_steps: 3, rollout_batch_size: 6, response_length: 12, save_steps: 2, \
        num_ppo_epochs: 2, num_mini_batches: 2, learning_rate: 1.0e-3, placement: colocated, ZERO}
        """
    private static let files = [
        "01-dpo/checkpoint-00000002/model.safetensors", "01-dpo/checkpoint-00000002/optimizer.safetensors",
        "01-dpo/final/model.safetensors", "02-ppo/checkpoint-00000002/optimizer.safetensors",
        "02-ppo/final/model.safetensors", "02-ppo/critic/model.safetensors",
    ]

    private func configure(_ workspace: RunWorkspace, _ options: String) throws {
        try workspace.configure(Self.stages.replacing("ZERO", with: options))
    }

    private func expectSame(_ workspace: RunWorkspace, _ run: String, as whole: String) throws {
        for file in Self.files {
            let same = try workspace.data("\(run)/stages/\(file)") == workspace.data("\(whole)/stages/\(file)")
            #expect(same, "\(run): \(file)")
        }
    }

    @Test(
        "With moments divided over 2 or 3 learners, models and checkpoints have the bytes of a run without",
        arguments: [2, 3])
    func dividedMoments(learners: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            for zero in [0, 1] {
                try configure(workspace, "zero: \(zero)")
                try workspace.train(ranks: learners + 1, ["output_dir=zero-\(zero)"])
            }
            try expectSame(workspace, "zero-1", as: "zero-0")
        }
    }

    @Test("A run that was stopped goes on with moments divided, or together again, as if it had not been")
    func resumed() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try configure(workspace, "zero: 0")
            try workspace.train(ranks: 3, ["output_dir=whole"])
            for (first, then) in [(0, 1), (1, 0)] {
                try configure(workspace, "zero: \(first)")
                let job = try workspace.job(ranks: 3)
                let stopped = try workspace.end(job, at: Moment(lines: 2)) { kill($0, SIGUSR1) }
                #expect(stopped.status == 75, "\(stopped.errors)")
                try configure(workspace, "zero: \(then)")
                try workspace.train(ranks: 3, resume: true)
                try workspace.expectSame()
                try FileManager.default.removeItem(at: workspace.url("out"))
            }
        }
    }

    @Test(
        "With gradients divided too, over 1, 2 or 3 learners, updates are within 1e-6 of a run without, and its norms",
        arguments: [1, 2, 3])
    func dividedGradients(learners: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            let ranks = learners == 1 ? 1 : learners + 1
            for zero in [0, 2] {
                // A micro-batch a pair or response: learners have different numbers of them.
                try configure(workspace, "zero: \(zero), max_tokens_per_micro_batch: 150")
                try workspace.train(
                    ranks: ranks,
                    [
                        "output_dir=zero-\(zero)", "ppo.max_steps=1", "ppo.rollout_batch_size=7",
                        "ppo.num_mini_batches=1",
                    ])
            }
            for stage in ["01-dpo/checkpoint-00000002", "02-ppo"] {
                let part = stage == "02-ppo" ? "critic" : "."
                let (whole, divided) = (
                    try tensors(workspace, "zero-0/stages/\(stage)/\(part)"),
                    try tensors(workspace, "zero-2/stages/\(stage)/\(part)")
                )
                #expect(whole.keys == divided.keys && !whole.isEmpty)
                let (name, error) = try largestError(divided) { try #require(whole[$0]) }
                #expect(error < 1e-6, "\(stage) \(name): \(error)")
            }
            let (lines, others) = (try workspace.metrics("zero-0"), try workspace.metrics("zero-2"))
            #expect(lines.count == 5 && others.count == lines.count)
            for (line, other) in zip(lines, others) {
                let (norm, found) = try (#require(line.values["grad_norm"]), #require(other.values["grad_norm"]))
                #expect(relativeError(found, norm) < 1e-4, "\(line.stage) step \(line.step): \(found), not \(norm)")
            }
        }
    }

    @Test(
        "So are they in every other stage that trains, where a learner has no work too, and of adapters",
        arguments: [false, true])
    func stages(usesAdapters: Bool) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 24)
            try workspace.write(
                (0..<8).map {
                    "{\"prompt\": \"On day \($0)\", \"completion\": \" it was \($0).\", \"label\": \($0 % 2 == 0)}\n"
                }.joined(), to: "answers.jsonl")
            // Updates in proportion to gradients: AdamW would make rounding of the smallest ones as large as any.
            let optimizer = "learning_rate: 1.0e-2, adam_epsilon: 0.1, zero: ZERO"
            let lines = """
                use_peft: \(usesAdapters)
                lora_target_modules: all-linear
                dataset: {train: train.jsonl, eval: [], max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
                stages: [sft, reward, kto, online_dpo]
                sft: {max_steps: 3, train_batch_size: 1, \(optimizer)}
                reward: {init: base, max_steps: 3, train_batch_size: 6, max_tokens_per_micro_batch: 300, \
                gradient_checkpointing: true, \(optimizer)}
                kto: {data: answers.jsonl, init: base, max_steps: 3, train_batch_size: 6, max_tokens_per_micro_batch: 20, \
                \(optimizer)}
                online_dpo: {reward: "rule:count:the", init: base, max_steps: 1, rollout_batch_size: 8, response_length: 40, \
                temperature: 1.0, max_tokens_per_micro_batch: 100, placement: colocated, \(optimizer)}
                """
            for zero in [0, 2] {
                try workspace.configure(lines.replacing("ZERO", with: "\(zero)"))
                try workspace.train(ranks: 3, ["output_dir=zero-\(zero)"])
            }
            #expect(try workspace.metrics("zero-2").allSatisfy { $0.values["grad_norm"] ?? 0 > 0 })
            let file = usesAdapters ? "adapter_model" : "model"
            for stage in ["01-sft", "02-reward", "03-kto", "04-online_dpo"] {
                let (whole, divided) = (
                    try tensors(workspace, "zero-0/stages/\(stage)/final", file),
                    try tensors(workspace, "zero-2/stages/\(stage)/final", file)
                )
                #expect(whole.keys == divided.keys && !whole.isEmpty)
                // Matrices that begin at zero are all update.
                let bound = usesAdapters ? 1e-5 : 1e-6
                let (name, error) = try largestError(divided) { try #require(whole[$0]) }
                #expect(error < bound, "\(stage) \(name): \(error)")
            }
        }
    }

    @Test("A checkpoint of any run goes on with gradients divided over other learners, or together on fewer")
    func resumedOnOthers() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try configure(workspace, "zero: 0")
            try workspace.train(ranks: 3, ["output_dir=whole"])
            for (first, then, ranks) in [(0, 2, 4), (2, 1, 1), (2, 2, 2)] {
                try configure(workspace, "zero: \(first)")
                let stopped = try workspace.end(workspace.job(ranks: 3), at: Moment(lines: 2)) { kill($0, SIGUSR1) }
                #expect(stopped.status == 75, "\(stopped.errors)")
                try configure(workspace, "zero: \(then)")
                try workspace.train(ranks: ranks, resume: true, flags: ["--allow-inexact", "--allow-config-change"])
                let dpo = "stages/01-dpo/final"
                let (whole, resumed) = (try tensors(workspace, "whole/\(dpo)"), try tensors(workspace, "out/\(dpo)"))
                let (name, error) = try largestError(resumed) { try #require(whole[$0]) }
                #expect(error < 1e-5, "zero \(first), then \(then): \(name) \(error)")
                try FileManager.default.removeItem(at: workspace.url("out"))
            }
        }
    }

    @Test("A run with gradients divided that was stopped ends in the bytes of one that was not")
    func resumedDivided() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try configure(workspace, "zero: 2")
            try workspace.train(ranks: 3, ["output_dir=whole"])
            let stopped = try workspace.end(workspace.job(ranks: 3), at: Moment(lines: 2)) { kill($0, SIGUSR1) }
            #expect(stopped.status == 75, "\(stopped.errors)")
            try workspace.train(ranks: 3, resume: true)
            try workspace.expectSame()
        }
    }

    private func tensors(
        _ workspace: RunWorkspace, _ directory: String, _ name: String = "model"
    ) throws -> [String: [Float]] {
        let file = try SafetensorsFile(workspace.url("\(directory)/\(name).safetensors"))
        return try Dictionary(uniqueKeysWithValues: file.entries.keys.map { ($0, try file.tensor($0).floats()) })
    }

    @Test("With activations computed anew, models and checkpoints have the same bytes, and steps the same metrics")
    func recomputedActivations() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            for recomputes in [false, true] {
                try configure(workspace, "gradient_checkpointing: \(recomputes)")
                try workspace.train(ranks: 2, ["output_dir=\(recomputes)"])
            }
            try expectSame(workspace, "true", as: "false")
            #expect(try workspace.metrics("true").map(\.timeless) == workspace.metrics("false").map(\.timeless))
        }
    }
}
