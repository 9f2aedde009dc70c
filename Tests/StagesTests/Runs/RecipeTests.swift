import Foundation
import TestSupport
import Testing
import Torch
import Transformers

@Suite(
    "The whole recipe on real pairs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct RecipeTests {
    /// All stages, in few steps.
    static let recipe = """
        dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 192, max_prompt_length: 128, \
        truncation_mode: drop_turns}
        stages: [sft, reward, split, dpo, ppo, evaluate]
        sft: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-3}
        reward: {init: base, max_steps: 3, train_batch_size: 8, learning_rate: 1.0e-3}
        split: {quantile: 0.5, order: easy_to_hard}
        dpo: {max_steps: 2, train_batch_size: 8, learning_rate: 1.0e-4}
        ppo: {max_steps: 2, rollout_batch_size: 6, n_samples_per_prompt: 2, response_length: 12, num_ppo_epochs: 2, \
        num_mini_batches: 2, learning_rate: 1.0e-4}
        evaluate: {num_prompts: 6, response_length: 12}
        """
    private static let stages = ["01-sft", "02-reward", "03-split", "04-dpo", "05-ppo", "06-evaluate"]

    @Test("It runs on 1, 2, 3 and 5 ranks without a warning, and one or two ranks make the same bytes")
    func ranks() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.recipe)
            for ranks in [1, 2, 3, 5] {
                let run = "on\(ranks)"
                try workspace.train(ranks: ranks, ["output_dir=\(run)"])
                try expectWhole(workspace, run)
            }
            for stage in ["01-sft", "02-reward", "04-dpo", "05-ppo"] {
                #expect(try workspace.weights("on1", stage) == workspace.weights("on2", stage), "\(stage)")
            }
            for file in ["easy", "difficult"] {
                let path = "stages/03-split/\(file).jsonl"
                #expect(try workspace.data("on1/\(path)") == workspace.data("on2/\(path)"))
            }
            if let python = TestSupport.transformersPython {
                for run in ["on1", "on3"] {
                    try workspace.checkExport("\(run)/stages/04-dpo/final", python)
                    try workspace.checkExport("\(run)/stages/05-ppo/final", python)
                    try workspace.checkExport("\(run)/stages/02-reward/final", python, isReward: true)
                }
            }
        }
    }

    @Test(
        "It runs with SmolLM2 on 1, 2, 3 and 5 ranks without a warning",
        .enabled(if: TestSupport.smolLM2 != nil && TestSupport.runsLongTests, "takes long, and needs MPO_SMOLLM2"))
    func smolLM2() throws {
        let base = try #require(TestSupport.smolLM2)
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 24, eval: 8)
            try workspace.configure(Self.recipe)
            for ranks in [1, 2, 3, 5] {
                let options = ["output_dir=on\(ranks)", "model_name_or_path=\(base.path)"]
                try workspace.train(ranks: ranks, options, timeLimit: 3600)
                try expectWhole(workspace, "on\(ranks)")
            }
        }
    }

    @Test(
        "PPO runs in every placement: who samples changes no byte, nor whether learners sample too", arguments: [0, 1])
    func entries(staleness: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.recipe)
            try workspace.train(["output_dir=first", "stages=[sft, reward]"])
            try workspace.configure(
                """
                dataset: {train: train.jsonl, max_prompt_length: 128}
                stages: [ppo]
                ppo: {init: first/stages/01-sft/final, reward: first/stages/02-reward/final, max_steps: 3, \
                rollout_batch_size: 6, n_samples_per_prompt: 2, response_length: 12, num_ppo_epochs: 2, \
                learning_rate: 1.0e-4, max_staleness: \(staleness)}
                """)
            func run(_ name: String, ranks: Int, _ options: String...) throws -> [Data] {
                try workspace.train(ranks: ranks, ["output_dir=\(name)"] + options)
                return [
                    try workspace.weights(name, "01-ppo"), try workspace.weights(name, "01-ppo", "critic"),
                ]
            }
            let alone = try run("alone", ranks: 1)
            #expect(try run("two-samplers", ranks: 4) == alone)
            let together = try run("colocated", ranks: 3, "placement=colocated")
            #expect(try run("two-learners", ranks: 5, "learners=2") == together)
            for name in ["alone", "two-samplers", "colocated"] {
                try expectWeights(try workspace.metrics(name), staleness: staleness)
            }
        }
    }

    /// Behaviour weights are 1 until samples come from a policy that has since been updated.
    private func expectWeights(_ metrics: [MetricsLine], staleness: Int) throws {
        let ratios = try metrics.map { try #require($0.values["sampling/importance_sampling_ratio"]) }
        #expect(ratios.count == 3)
        if staleness == 0 {
            #expect(ratios == [1, 1, 1])
        } else {
            #expect(abs(ratios[0] - 1) < 1e-4)
            #expect(ratios[1...].allSatisfy { abs($0 - 1) > 1e-4 && $0 > 0 && $0 < 2 })
        }
    }

    /// Every stage left what it should, and no number of the metrics is strange.
    private func expectWhole(_ workspace: RunWorkspace, _ run: String) throws {
        for stage in ["01-sft", "02-reward", "04-dpo", "05-ppo"] {
            #expect(workspace.has("\(run)/stages/\(stage)/final/model.safetensors"), "\(run): \(stage)")
            #expect(workspace.has("\(run)/stages/\(stage)/final/tokenizer.json"), "\(run): \(stage)")
        }
        for file in ["03-split/easy.jsonl", "03-split/difficult.jsonl", "06-evaluate/evaluation.json"] {
            #expect(workspace.has("\(run)/stages/\(file)"), "\(run): \(file)")
        }
        let metrics = try workspace.metrics(run)
        let steps = Dictionary(grouping: metrics, by: \.stage).mapValues { $0.map(\.step) }
        #expect(steps == ["01-sft": [1, 2], "02-reward": [1, 2, 3], "04-dpo": [1, 2], "05-ppo": [1, 2]], "\(run)")
    }
}
