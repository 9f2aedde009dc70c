import Foundation
import TestSupport
import Testing

/// What is handed to the registry from outside, by a program of its own (`Tests/Helpers/Toys`): no source knows of it.
@Suite("Stages and parts of them from outside the sources", .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ToyTests {
    private func run(_ command: String, ranks: Int = 1, in workspace: RunWorkspace) throws -> Job.Result {
        let program = TestSupport.product("toys")
        let environment = ["OMP_NUM_THREADS": "1", "MPO_PROGRESS": "plain"]
        let job =
            ranks == 1
            ? Job(
                program, [command, "run.yaml"], environment: environment, directory: workspace.directory, timeLimit: 120
            )
            : try Job.mpirun(
                ranks: ranks, program, [command, "run.yaml"], environment: environment,
                directory: workspace.directory, timeLimit: 120)
        let result = try job.run()
        guard result.status == 0 else { throw UnexpectedEnd(ranks: ranks, overrides: [command], result: result) }
        return result
    }

    @Test("A stage of one file runs, and is planned, printed and documented", arguments: [1, 2, 3])
    func stage(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure("dataset: {train: prompts.jsonl}\nstages: [toy]\ntoy: {weight: 3}")
            let result = try run("train", ranks: ranks, in: workspace)
            let counted = try String(decoding: workspace.data("out/stages/01-toy/tokens.txt"), as: UTF8.self)
            #expect(try #require(Int(counted.dropLast())) % 3 == 0)
            #expect(result.errors.contains("  toy: \(counted)"), "\(result.errors)")
            // All ranks together count what one does.
            let whole = try RunWorkspace.with { alone in
                try alone.addOpenings()
                try alone.configure("dataset: {train: prompts.jsonl}\nstages: [toy]\ntoy: {weight: 3}")
                _ = try run("train", in: alone)
                return try alone.data("out/stages/01-toy/tokens.txt")
            }
            #expect(try workspace.data("out/stages/01-toy/tokens.txt") == whole)
            #expect(try run("plan", in: workspace).output.contains("counter"))
            let keys = try run("keys", in: workspace).output
            #expect(keys.contains("| `weight` | an integer, at least 1 | `1` | What each token counts. |"))
            #expect(keys.contains("\ntoy:\n  type: toy\n  prompts: [dataset.train]\n  weight: 3\n"))
        }
    }

    @Test("Advantages without a critic make, save and plan none, and see whole groups", arguments: [1, 2, 4])
    func advantages(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(
                """
                dataset: {train: prompts.jsonl}
                stages: [ppo]
                ppo:
                  reward: rule:length:8
                  max_steps: 2
                  rollout_batch_size: 6
                  n_samples_per_prompt: 2
                  num_mini_batches: 2
                  num_ppo_epochs: 2
                  response_length: 8
                  placement: \(ranks == 4 ? "split" : "colocated")
                  learners: \(ranks == 4 ? 2 : 1)
                """)
            _ = try run("train", ranks: ranks, in: workspace)
            #expect(workspace.has("out/stages/01-ppo/final/model.safetensors"))
            #expect(!workspace.has("out/stages/01-ppo/critic"))
            let metrics = try workspace.metrics()
            #expect(metrics.count == 2)
            #expect(metrics.allSatisfy { $0.values["loss/value_avg"] == nil && $0.values["loss/policy_avg"] != nil })
            #expect(!(try run("keys", in: workspace).output.contains("critic_init")))
        }
    }

    @Test(
        "A surrogate and rewards a token, a file each, train as the built-in ones of the same formula",
        arguments: [1, 3])
    func surrogate(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(
                """
                dataset: {train: prompts.jsonl}
                stages: [grpo]
                grpo: {reward: "rule:count:the", scale_rewards: none, max_steps: 2, rollout_batch_size: 8, \
                num_generations: 4, num_iterations: 4, response_length: 40, learning_rate: 3.0e-3}
                """)
            _ = try run("train", ranks: ranks, in: workspace)
            let (bounded, uncut) = ("grpo.reward_clip=1.0", "grpo.epsilon=1000000")
            try workspace.train(["output_dir=same", bounded, uncut])
            #expect(try workspace.weights("out", "01-grpo") == workspace.weights("same", "01-grpo"))
            for (name, part) in [("bounded", bounded), ("uncut", uncut)] {
                try workspace.train(["output_dir=\(name)", part])
                #expect(try workspace.weights("out", "01-grpo") != workspace.weights(name, "01-grpo"), "\(name)")
            }
        }
    }

    @Test("A family of one file goes through every stage, on disk and off", arguments: [1, 3])
    func family(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 16, eval: 4)
            let files = FileManager.default
            try files.copyItem(at: workspace.base, to: workspace.url("model"))
            let config = try String(contentsOf: workspace.url("model/config.json"), encoding: .utf8)
            try files.removeItem(at: workspace.url("model/config.json"))
            try workspace.write(config.replacing("\"llama\"", with: "\"toy\""), to: "model/config.json")
            try workspace.write(
                """
                output_dir: out
                model_name_or_path: model
                dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 96, max_prompt_length: 64, \
                truncation_mode: drop_turns}
                stages: [sft, reward, split, dpo, evaluate]
                sft: {max_steps: 1, train_batch_size: 4}
                reward: {max_steps: 1, train_batch_size: 4}
                split: {quantile: 0.5}
                dpo: {max_steps: 1, train_batch_size: 4}
                evaluate: {num_prompts: 2, response_length: 4}
                """, to: "run.yaml")
            _ = try run("train", ranks: ranks, in: workspace)
            let left = try String(decoding: workspace.data("out/stages/04-dpo/final/config.json"), as: UTF8.self)
            #expect(left.contains("\"model_type\": \"toy\"") && left.contains("\"ToyForCausalLM\""), "\(left)")
        }
    }
}
