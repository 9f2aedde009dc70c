import Foundation
import TestSupport
import Testing

@Suite("Online DPO in runs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct OnlineDPORunTests {
    private func configure(_ workspace: RunWorkspace, _ more: String = "", reward: String = "\"rule:count:the\"") throws
    {
        try workspace.addOpenings()
        try workspace.configure(
            """
            dataset: {train: prompts.jsonl, eval: []}
            stages: [online_dpo]
            online_dpo: {reward: \(reward), max_steps: 4, save_steps: 2, rollout_batch_size: 6, num_generations: 4, \
            response_length: 16, temperature: 1.0, learning_rate: 1.0e-3, lr_scheduler_type: constant\
            \(more.isEmpty ? "" : ", " + more)}
            """)
    }

    @Test("Rewarded for a common word a policy says it more often")
    func learns() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace)
            try workspace.train(
                ranks: 3,
                ["max_steps=14", "rollout_batch_size=16", "response_length=40", "learning_rate=3e-3"].map {
                    "online_dpo.\($0)"
                })
            let metrics = try workspace.metrics()
            let scores = try values("objective/scores", metrics)
            let mean = { (scores: ArraySlice<Double>) in scores.reduce(0, +) / Double(scores.count) }
            #expect(mean(scores.suffix(4)) > 1.3 * mean(scores.prefix(4)), "\(scores)")
            #expect(metrics.compactMap { $0.values["objective/scores_margin"] }.allSatisfy { $0 > 0 })
            #expect(abs(try #require(metrics[0].values["objective/kl"])) < 1e-6)
        }
    }

    @Test(
        "However many ranks sample, the bytes are those of one process",
        arguments: [
            "", "pairs: all, loss_type: ipo", "labels: policy, sail_rho: 0.3",
            "num_iterations: 2, num_mini_batches: 2, loss_type: sampo", "loss_type: mallows_theta, pairs: confident",
        ])
    func anySamplers(settings: String) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, settings, reward: settings.contains("policy") ? "null" : "\"rule:count:the\"")
            try workspace.train(["output_dir=one"])
            try workspace.train(ranks: 3, ["output_dir=three"])
            #expect(try workspace.weights("three", "01-online_dpo") == workspace.weights("one", "01-online_dpo"))
            #expect(try workspace.metrics("three").map(\.timeless) == workspace.metrics("one").map(\.timeless))
        }
    }

    @Test("Two learners make what one makes, but for rounding")
    func learners() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, "loss_type: aot")
            try workspace.train(["output_dir=one", "online_dpo.max_steps=1"])
            try workspace.train(ranks: 3, ["output_dir=two", "online_dpo.max_steps=1", "placement=colocated"])
            let (one, two) = (try workspace.metrics("one")[0].values, try workspace.metrics("two")[0].values)
            for name in ["objective/scores", "loss", "grad_norm", "pairs"] {
                let (one, two) = (try #require(one[name]), try #require(two[name]))
                #expect(abs(one - two) <= 1e-4 * max(0.1, abs(one)), "\(name): \(one) and \(two)")
            }
        }
    }

    @Test(
        "A run that is killed and resumed ends as one that was left alone, also where each of two learners has a whole step",
        arguments: [(0, "split"), (1, "split"), (1, "colocated")])
    func resumed(staleness: Int, placement: String) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, "max_staleness: \(staleness), loss_type: bco_shift")
            let options = ["online_dpo.max_steps=8", "placement=\(placement)"]
            try workspace.train(ranks: 3, options + ["output_dir=whole"])
            let killed = try workspace.job(ranks: 3, options).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/01-online_dpo/checkpoint-00000004"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { Foundation.kill(process, SIGKILL) }
            }
            #expect(killed.status != 0 && !workspace.has("out/stages/01-online_dpo/final"))
            try workspace.train(ranks: 3, resume: true, options)
            #expect(try workspace.weights("out", "01-online_dpo") == workspace.weights("whole", "01-online_dpo"))
            #expect(try workspace.metrics("out").map(\.timeless) == workspace.metrics("whole").map(\.timeless))
        }
    }

    @Test("The data's own pairs stand for prompts that are not drawn: for all of them it is offline DPO")
    func mixture() throws {
        try RunWorkspace.with { workspace in
            try workspace.addPairs(train: 20)
            try workspace.configure(
                """
                dataset: {train: train.jsonl, eval: [], max_length: 200, max_prompt_length: 100}
                stages: [online_dpo, dpo]
                online_dpo: {generated_share: 0.0, max_steps: 3, rollout_batch_size: 6, shuffle: false, \
                response_length: 100, learning_rate: 1.0e-3, lr_scheduler_type: constant}
                dpo: {init: base, max_steps: 3, train_batch_size: 6, shuffle: false, learning_rate: 1.0e-3, \
                lr_scheduler_type: constant}
                """)
            try workspace.train(ranks: 3)
            let metrics = try workspace.metrics()
            let losses = try values("loss", metrics.filter { $0.values["loss"] != nil })
            #expect(losses.count == 6 && zip(losses.prefix(3), losses.suffix(3)).allSatisfy { abs($0 - $1) < 1e-5 })
            #expect(losses[2] != losses[0])
            // Half of each step's prompts are answered, with labels of a rule.
            try workspace.train([
                "output_dir=mixed", "online_dpo.generated_share=0.5", "online_dpo.reward=rule:count:the",
                "stages=[online_dpo]", "online_dpo.response_length=12",
            ])
            let pairs = try values("pairs", workspace.metrics("mixed"))
            #expect(pairs.allSatisfy { (1...6).contains($0) }, "\(pairs)")
            // The data's own answers say nothing of how far the policy has gone.
            #expect(try workspace.metrics("mixed").allSatisfy { $0.values["objective/kl"] == nil })
        }
    }

    @Test("What means nothing beside other options is refused before the first step")
    func refusals() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace)
            for (settings, message) in [
                (["labels=policy"], "reward: is not asked where labels is policy"),
                (["confidence=2"], "confidence: has no meaning for pairs best_worst"),
                (["data_labels=policy"], "data_labels: has no meaning where every pair is drawn"),
                (["sail_rho=0.2", "loss_type=ipo"], "sail_rho: has no meaning for loss_type ipo"),
                (["sail_rho=0.2", "loss_type=sft"], "sail_rho: has no meaning for loss_type sft"),
                (["loss_type=spo"], "loss_type"), (["hpo.gamma=0.3"], "hpo"),
                (["generated_share=0"], "is 0; leave it out, or write a generated_share above 0"),
                (
                    ["generated_share=0", "reward=null", "num_generations=2", "temperature=0.5"],
                    "temperature: has no meaning where generated_share"
                ),
                (
                    ["labels=policy", "reward=null", "equal_groups=drop"],
                    "equal_groups: has no meaning where no response"
                ),
                (["num_generations=1"], "num_generations"), (["temperature=0"], "temperature: 0 draws"),
            ] {
                let refused = try workspace.train(
                    status: 2, ["output_dir=refused"] + settings.map { "online_dpo.\($0)" })
                #expect(refused.errors.contains(message), "\(refused.errors)")
                #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
            }
        }
    }

    @Test("A reward model that learns from gold labels in the loop changes the very next scores, alike on any ranks")
    func rewardUpdate() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.addPairs(train: 24)
            try workspace.configure(
                """
                dataset: {train: train.jsonl, eval: [], max_length: 200}
                stages: [reward, online_dpo]
                reward: {max_steps: 2, train_batch_size: 8}
                online_dpo: {prompts: prompts.jsonl, max_steps: 6, save_steps: 3, rollout_batch_size: 8, temperature: 1.0, \
                response_length: 16, learning_rate: 1.0e-3, lr_scheduler_type: constant, \
                reward_update: {gold: "rule:count:the", steps: 2, pairs: 6, learning_rate: 1.0e-3, budget: 15}}
                """)
            try workspace.train(["output_dir=one"])
            try workspace.train(ranks: 3, ["output_dir=three"])
            #expect(try workspace.weights("three", "02-online_dpo") == workspace.weights("one", "02-online_dpo"))
            let metrics = try workspace.metrics("one").filter { $0.values["objective/scores"] != nil }
            #expect(try values("reward_update/gold_labels", metrics) == [0, 6, 6, 12, 12, 15])
            #expect(workspace.has("one/stages/02-online_dpo/reward"))
            // The same samples are scored by the same model until the update, and by another from then on.
            try workspace.train(["output_dir=idle", "online_dpo.reward_update.learning_rate=0"])
            let idle = try workspace.metrics("idle").filter { $0.values["objective/scores"] != nil }
            let (own, other) = (try values("objective/scores", metrics), try values("objective/scores", idle))
            #expect(own.prefix(2) == other.prefix(2) && own[2] != other[2], "\(own) \(other)")
            #expect(metrics[2].values["completions/mean_length"] == idle[2].values["completions/mean_length"])
            // Where the budget is spent there is nothing to be right about.
            try workspace.train(["output_dir=spent", "online_dpo.reward_update.budget=6"])
            let accuracies = try workspace.metrics("spent").filter { $0.values["objective/scores"] != nil }
                .map { $0.values["reward_update/accuracy"] != nil }
            #expect(accuracies == [false, true, false, false, false, false])
            // A run that was killed between two updates goes on with the pairs since the last one.
            let killed = try workspace.job(ranks: 3, []).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/02-online_dpo/checkpoint-00000003"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { Foundation.kill(process, SIGKILL) }
            }
            #expect(killed.status != 0)
            try workspace.train(ranks: 3, resume: true, [])
            #expect(try workspace.weights("out", "02-online_dpo") == workspace.weights("one", "02-online_dpo"))
            for (settings, message) in [
                (["reward=rule:count:a"], "reward_update.gold: has no reward model to teach: reward is rule:count:a"),
                (
                    ["reward_update.steps=7"],
                    "reward_update.steps: the first update would be after step 7, and there are 6"
                ),
                (
                    ["reward_update.pairs=17"],
                    "reward_update.pairs: asks for 17 pairs at an update, before which there are at most 16: "
                        + "reward_update.steps 2 x 8 drawn prompts x 1 pair; write at most 16, or raise"
                ),
                (["reward_update.gold=null"], "reward_update: has no meaning without gold labels"),
                (["reward_update.gold=rule:nothing:x"], "reward_update.gold"),
            ] {
                let refused = try workspace.train(
                    status: 2, ["output_dir=refused"] + settings.map { "online_dpo.\($0)" })
                #expect(refused.errors.contains(message), "\(refused.errors)")
            }
        }
    }

    private func values(_ name: String, _ metrics: [MetricsLine]) throws -> [Double] {
        try metrics.map { try #require($0.values[name]) }
    }
}
