import Foundation
import TestSupport
import Testing
import Torch

@Suite("Runs resumed on other ranks", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct OtherRanksTests {
    private static let ppo = """
        dataset: {train: train.jsonl, max_prompt_length: 128, truncation_mode: drop_turns}
        stages: [ppo]
        ppo: {reward: "rule:length:9", max_steps: 7, rollout_batch_size: 6, n_samples_per_prompt: 2, \
        response_length: 12, learning_rate: 1.0e-4, num_ppo_epochs: 1}
        """

    @Test(
        "With three rollout workers in place of one, then with learners that sample themselves, bytes stay the same",
        arguments: TestSupport.runsLongTests ? [0, 1] : [1])
    func rollouts(staleness: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.ppo)
            let options = ["ppo.max_staleness=\(staleness)", "learners=2"]
            try workspace.train(ranks: 4, options + ["output_dir=whole"])
            try stop(workspace, ranks: 4, options)
            try stop(workspace, ranks: 6, resume: true, options)
            try workspace.train(ranks: 3, resume: true, options + ["placement=colocated"])
            try workspace.expectSame()
        }
    }

    @Test("With two learners in place of one, an offline stage makes the same update but for rounding")
    func offlineLearners() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(
                """
                dataset: {train: train.jsonl, max_length: 192, max_prompt_length: 128, truncation_mode: drop_turns}
                stages: [dpo]
                dpo: {max_steps: 8, train_batch_size: 6, learning_rate: 1.0e-4}
                """)
            try workspace.train(ranks: 2, ["output_dir=whole"])
            let step = try stop(workspace, ranks: 2)
            try workspace.train(ranks: 3, resume: true, flags: ["--allow-inexact"])
            let start = try parameters(workspace.url("out/stages/01-dpo/checkpoint-0000000\(step)"))
            let (one, two) = (try update(workspace, "whole", start), try update(workspace, "out", start))
            let difference = zip(one, two).map(-)
            #expect(norm(one) > 0)
            #expect(norm(difference) < 1e-3 * norm(one))
        }
    }

    @Test("With two learners in place of one, PPO draws the same responses and makes the same next update")
    func ppoLearners() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs()
            try workspace.configure(Self.ppo)
            try workspace.train(ranks: 3, ["output_dir=whole", "ppo.num_mini_batches=1"])
            let step = try stop(workspace, ranks: 3, ["ppo.num_mini_batches=1"])
            try workspace.train(
                ranks: 4, resume: true, ["ppo.num_mini_batches=1", "learners=2"], flags: ["--allow-inexact"])
            let (one, two) = (try workspace.metrics("whole")[step].values, try workspace.metrics()[step].values)
            for name in ["objective/scores", "completions/mean_length", "val/num_eos_tokens", "epoch", "lr"] {
                #expect(one[name] == two[name], "\(name)")
            }
            for name in ["grad_norm", "objective/kl", "objective/entropy", "loss/policy_avg", "loss/value_avg"] {
                let (first, second) = (try #require(one[name]), try #require(two[name]))
                #expect(abs(first - second) <= 1e-3 * abs(first) + 1e-6, "\(name)")
            }
        }
    }

    /// Starts or resumes the run and stops it after some steps; gives the step.
    @discardableResult
    private func stop(
        _ workspace: RunWorkspace, ranks: Int, resume: Bool = false, _ options: [String] = []
    ) throws -> Int {
        let job = try workspace.job(ranks: ranks, resume: resume, options)
        let result = try workspace.end(job, at: Moment(lines: 2)) { kill($0, SIGUSR1) }
        #expect(result.status == 75, "\(result.errors)")
        return try workspace.metrics().count
    }

    private func parameters(_ directory: URL) throws -> [Float] {
        let file = try SafetensorsFile(directory.appending(path: "model.safetensors"))
        return try file.entries.keys.sorted().flatMap { try file.tensor($0).floats() }
    }

    private func update(_ workspace: RunWorkspace, _ run: String, _ start: [Float]) throws -> [Float] {
        zip(try parameters(workspace.url("\(run)/stages/01-dpo/final")), start).map(-)
    }

    private func norm(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
}
