import Foundation
import TestSupport
import Testing

@Suite(
    "Reward models of demonstrations against samples, in runs", .serialized,
    .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct RewardDemonstrationTests {
    private static let openings = ["Once upon a time", "One day, a big dog", "Tom and his mom", "Lily had a red ball"]

    /// Samples of the base model, and a reward model that tells them from demonstrations.
    private func configure(_ workspace: RunWorkspace, _ more: String = "preference_weight: 0") throws {
        let rows = Self.openings.map { "{\"prompt\": \"\($0)\", \"completion\": \" and that was all.\"}\n" }
        try workspace.write(rows.joined(), to: "demonstrations.jsonl")
        try workspace.addPairs(train: 8, eval: 4)
        try workspace.configure(
            """
            dataset: {train: train.jsonl, eval: eval.jsonl, max_length: 128, max_prompt_length: 100}
            save_steps: 1
            stages: [sample, reward]
            sample: {prompts: demonstrations.jsonl, reward: "rule:length:8", keep: above, keep_threshold: -1000.0, \
            n_samples_per_prompt: 3, response_length: 8, top_p: 1.0, top_k: 0}
            reward: {demonstrations: demonstrations.jsonl, samples: sample, max_steps: 8, train_batch_size: 4, \
            learning_rate: 1.0e-3, lr_scheduler_type: constant, \(more)}
            """)
    }

    @Test(
        "Demonstrations come to be scored above samples, on any ranks and in any micro-batches alike, also beside pairs"
    )
    func ranks() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace)
            let result = try workspace.train(["output_dir=one"])
            #expect(result.errors.contains("12 demonstrations before samples"), "\(result.errors)")
            let metrics = try workspace.metrics("one").filter { $0.stage == "02-reward" }.map(\.values)
            #expect(metrics.count == 8)
            let margins = metrics.compactMap { $0["demonstrations/margin"] }
            #expect(margins.count == 8 && margins[7] > margins[0] + 0.5, "\(margins)")
            #expect(metrics[7]["demonstrations/accuracy"] == 1 && metrics[7]["accuracy"] == 1)
            // Held-out pairs count in full, though none was learned from, and are no demonstrations.
            #expect(try #require(metrics[7]["eval_loss"]) > 0.1)
            #expect(metrics[7]["eval_demonstrations/margin"] == nil)
            #expect(workspace.has("one/stages/02-reward/final/reward_statistics.json"))

            try workspace.train(ranks: 2, ["output_dir=two"])
            #expect(try workspace.weights("two", "02-reward") == workspace.weights("one", "02-reward"))
            let both = ["reward.preference_weight=0.5", "reward.max_steps=1", "reward.train_batch_size=20"]
            try workspace.train(both + ["output_dir=both"])
            try workspace.train(ranks: 3, both + ["output_dir=parts", "reward.max_tokens_per_micro_batch=1"])
            let (whole, parts) = (try workspace.metrics("both")[0].values, try workspace.metrics("parts")[0].values)
            for name in ["loss", "grad_norm", "accuracy", "demonstrations/margin"] {
                let (one, other) = (try #require(whole[name]), try #require(parts[name]))
                #expect(abs(one - other) <= 1e-4 * max(0.1, abs(one)), "\(name): \(one) and \(other)")
            }
            // Three pairs are short enough, beside twelve demonstrations.
            let plan = try Job(
                TestSupport.product("mpo"),
                ["plan", "run.yaml", "-n", "1", "--set", "reward.samples=one/stages/01-sample/completions.jsonl"]
                    + both.flatMap { ["--set", $0] }, directory: workspace.directory
            ).run()
            #expect(plan.output.contains("15 pairs"), "\(plan.output)\(plan.errors)")
        }
    }

    @Test("A run that is killed and resumed has the bytes of one left alone", arguments: [1, 3])
    func killed(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, "preference_weight: 0.5")
            try workspace.train(ranks: ranks, ["output_dir=whole"])
            let result = try workspace.end(try workspace.job(ranks: ranks), at: Moment(lines: 3)) { _ in
                for process in workspace.processes { kill(process, SIGKILL) }
            }
            #expect(result.status == 128 + SIGKILL, "\(result.errors)")
            try workspace.train(ranks: ranks, resume: true)
            try workspace.expectSame()
        }
    }

    @Test(
        "What means nothing is refused before the first step, and samples that meet no demonstration before the stage's"
    )
    func refusals() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace)
            for (settings, message) in [
                (["demonstrations=[]"], "reward.samples: no demonstrations stand before them"),
                (["samples=[]"], "reward.demonstrations: there are no samples that they stand before"),
                (
                    ["demonstrations=[]", "samples=[]"],
                    "reward.preference_weight: has no meaning without demonstrations"
                ),
                (["demonstration_weight=0"], "reward.demonstration_weight: no weight is left"),
                (
                    ["demonstration_weight=0", "preference_weight=1"],
                    "reward.demonstration_weight: 0 leaves nothing of the demonstrations"
                ),
                (["preference_weight=1", "pairs=[]"], "reward.pairs: is empty"),
            ] {
                let refused = try workspace.train(status: 2, settings.map { "reward.\($0)" })
                #expect(refused.errors.contains(message), "\(refused.errors)")
                #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
                #expect(!workspace.has("out"))
            }
            try workspace.train(["stages=[sample]"])
            try workspace.write("{\"prompt\": \"Far away\", \"completion\": \" it was.\"}\n", to: "others.jsonl")
            for ranks in [1, 3] {
                let strange = try workspace.train(
                    ranks: ranks, status: 2,
                    ["stages=[reward]", "reward.samples=others.jsonl", "output_dir=strange\(ranks)"])
                #expect(
                    strange.errors.contains(
                        "reward.samples: none of the prompts of demonstrations is among these: the first"),
                    "\(strange.errors)")
                #expect(!workspace.has("strange\(ranks)"))
                let same = try workspace.train(
                    ranks: ranks, status: 2,
                    ["stages=[reward]", "reward.samples=demonstrations.jsonl", "output_dir=same\(ranks)"])
                #expect(same.errors.contains("says the same as its demonstration"), "\(same.errors)")
            }
        }
    }
}
