import Foundation
import TestSupport
import Testing

@Suite(
    "Demonstrations before drawn responses, in runs", .serialized,
    .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct DemonstrationRunTests {
    private func configure(
        _ workspace: RunWorkspace, _ more: String = "", stages: String = "[online_dpo]", data: String = "train.jsonl"
    ) throws {
        try workspace.configure(
            """
            dataset: {train: \(data), eval: [], max_prompt_length: 60}
            stages: \(stages)
            online_dpo: {labels: demonstrations, max_steps: 3, save_steps: 2, rollout_batch_size: 6, response_length: 12, \
            temperature: 1.0, learning_rate: 1.0e-3, lr_scheduler_type: constant\(more.isEmpty ? "" : ", " + more)}
            """)
    }

    private static let openings = ["Once upon a time", "One day, a big dog", "Tom and his mom", "Lily had a red ball"]

    private func addCompletions(_ workspace: RunWorkspace) throws {
        let rows = Self.openings.map { "{\"prompt\": \"\($0)\", \"completion\": \" and that was all.\"}\n" }
        try workspace.write(rows.joined(), to: "completions.jsonl")
    }

    @Test(
        "One process, samplers apart and two learners make the same", arguments: ["", "aihf: {preference_weight: 0.5}"])
    func ranks(weights: String) throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 20)
            let more = weights.isEmpty ? "loss_type: spin_linear" : "generated_share: 0.5, " + weights
            try configure(workspace, more)
            try workspace.train(["output_dir=one"])
            try workspace.train(ranks: 3, ["output_dir=three"])
            #expect(try workspace.weights("three", "01-online_dpo") == workspace.weights("one", "01-online_dpo"))
            #expect(try workspace.metrics("three").map(\.timeless) == workspace.metrics("one").map(\.timeless))
            try workspace.train(ranks: 3, ["output_dir=two", "online_dpo.max_steps=1", "placement=colocated"])
            let (one, two) = (try workspace.metrics("one")[0].values, try workspace.metrics("two")[0].values)
            for name in ["loss", "grad_norm", "pairs"] {
                let (one, two) = (try #require(one[name]), try #require(two[name]))
                #expect(abs(one - two) <= 1e-4 * max(0.1, abs(one)), "\(name): \(one) and \(two)")
            }
            // At the start a pair's loss is ln 2 by either kind, and each kind has a mean of its own.
            let loss = try #require(one["loss"])
            #expect(abs(loss - (weights.isEmpty ? 0 : 1.5 * log(2))) < 1e-5, "\(loss)")
        }
    }

    @Test("Rounds of it move the reference on and the policy to its demonstrations")
    func rounds() throws {
        try RunWorkspace.with { workspace in
            try addCompletions(workspace)
            try configure(
                workspace, "init: previous.online_dpo",
                stages: "[{rounds: 2, name: round, of: [online_dpo]}]", data: "completions.jsonl")
            let settings = ["max_steps=8", "rollout_batch_size=4", "learning_rate=2e-4"]
            try workspace.train(ranks: 3, settings.map { "online_dpo.\($0)" })
            let metrics = try workspace.metrics().filter { $0.values["loss"] != nil }
            try #require(metrics.count == 16)
            let rounds = [metrics.prefix(8), metrics.suffix(8)]
            let starts = try rounds.map { try #require($0.first).values }
            // A round's reference is where it starts.
            for start in starts { #expect(abs(try #require(start["loss"]) - log(2)) < 1e-5) }
            for round in rounds {
                let likelihoods = round.compactMap { $0.values["logps/chosen"] }
                let margins = round.compactMap { $0.values["rewards/margins"] }
                #expect(likelihoods[7] > likelihoods[0] + 1, "\(likelihoods)")
                #expect(margins.suffix(4).allSatisfy { $0 > 0.05 }, "\(margins)")
            }
            #expect(rounds[0].allSatisfy { $0.values["pairs"] == 8 })
        }
    }

    @Test("What means nothing beside demonstrations is refused before the first step, and data without them at its row")
    func refusals() throws {
        try RunWorkspace.with { workspace in
            try addCompletions(workspace)
            try configure(workspace, data: "completions.jsonl")
            for (settings, message) in [
                (["reward=rule:count:the"], "reward: is not asked where labels is demonstrations"),
                (["generated_share=0"], "labels: demonstrations stand before responses that are drawn"),
                (["pairs=all"], "pairs: has no meaning"), (["sail_rho=0.2"], "sail_rho: is of pairs"),
                (["data_labels=demonstrations"], "data_labels"),
                (["aihf.preference_weight=0.5"], "aihf: has no meaning where not both"),
                (
                    ["generated_share=0.5", "aihf.preference_weight=0", "aihf.demonstration_weight=0"],
                    "aihf: leaves nothing of the loss"
                ),
                (
                    ["generated_share=0.5", "aihf.preference_weight=0.5", "loss_type=aot"],
                    "aihf: has no meaning for loss_type aot"
                ),
            ] {
                let refused = try workspace.train(status: 2, settings.map { "online_dpo.\($0)" })
                #expect(refused.errors.contains(message), "\(refused.errors)")
                #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
            }
            let unpaired = try workspace.train(status: 2, ["online_dpo.generated_share=0.5"])
            #expect(unpaired.errors.contains("completions.jsonl:1: a pair needs 'chosen'"), "\(unpaired.errors)")
            #expect(!workspace.has("out"))
            try workspace.addOpenings()
            let prompts = try workspace.train(status: 2, ["dataset.train=prompts.jsonl", "output_dir=again"])
            #expect(prompts.errors.contains("prompts.jsonl:1"), "\(prompts.errors)")
            #expect(!workspace.has("again"))
        }
    }
}
