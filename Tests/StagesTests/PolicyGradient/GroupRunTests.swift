import Foundation
import TestSupport
import Testing

@Suite("GRPO and RLOO in runs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct GroupRunTests {
    private static let stages = ["grpo", "rloo"]

    private func configure(_ workspace: RunWorkspace, _ stage: String, _ more: String = "") throws {
        try workspace.addOpenings()
        try workspace.configure(
            """
            dataset: {train: prompts.jsonl, eval: []}
            stages: [\(stage)]
            \(stage): {reward: "rule:count:the", max_steps: 4, save_steps: 2, rollout_batch_size: 6, num_generations: 3, \
            response_length: 16, learning_rate: 1.0e-3, lr_scheduler_type: constant\(more.isEmpty ? "" : ", " + more)}
            """)
    }

    @Test("Rewarded for a common word a policy says it more often", arguments: stages)
    func learns(stage: String) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, stage)
            try workspace.train(
                ranks: 3, ["\(stage).max_steps=12", "\(stage).rollout_batch_size=16", "\(stage).response_length=40"])
            let rewards = try values("reward", workspace.metrics())
            let mean = { (rewards: ArraySlice<Double>) in rewards.reduce(0, +) / Double(rewards.count) }
            #expect(mean(rewards.suffix(4)) > 1.3 * mean(rewards.prefix(4)), "\(rewards)")
        }
    }

    @Test(
        "However many ranks sample, the bytes are those of one process; the first ratios are 1; no critic is left",
        arguments: stages)
    func anySamplers(stage: String) throws {
        try RunWorkspace.with { workspace in
            let scaled = stage == "grpo" ? "scale_rewards: batch, beta: 0.04" : "normalize_advantages: true"
            try configure(workspace, stage, scaled)
            try workspace.train(["output_dir=one"])
            for ranks in [3, 4] {
                try workspace.train(ranks: ranks, ["output_dir=ranks\(ranks)"])
                #expect(
                    try workspace.weights("ranks\(ranks)", "01-\(stage)") == workspace.weights("one", "01-\(stage)"))
            }
            let metrics = try workspace.metrics("one")
            #expect(try values("val/ratio", metrics) == [1, 1, 1, 1])
            #expect(try values("clip_ratio/region_mean", metrics) == [0, 0, 0, 0])
            #expect(try values("frac_reward_zero_std", metrics).allSatisfy { (0...1).contains($0) })
            #expect(!workspace.has("one/stages/01-\(stage)/critic"))
            #expect(!workspace.has("one/stages/01-\(stage)/checkpoint-00000002/critic"))
        }
    }

    @Test("Two learners make what one makes, but for rounding: groups stay together", arguments: stages)
    func learners(stage: String) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, stage, stage == "grpo" ? "scale_rewards: batch" : "normalize_advantages: true")
            try workspace.train(["output_dir=one", "\(stage).max_steps=1"])
            try workspace.train(ranks: 3, ["output_dir=two", "\(stage).max_steps=1", "placement=colocated"])
            let (one, two) = (try workspace.metrics("one")[0].values, try workspace.metrics("two")[0].values)
            for name in ["reward", "reward_std", "loss", "grad_norm"] {
                let (one, two) = (try #require(one[name]), try #require(two[name]))
                #expect(abs(one - two) <= 1e-4 * max(0.1, abs(one)), "\(name): \(one) and \(two)")
            }
        }
    }

    @Test(
        "A run that is killed and resumed, with responses drawn ahead, ends as one that was left alone",
        arguments: stages)
    func resumed(stage: String) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, stage, "max_staleness: 1, importance_sampling_mode: sequence_truncate")
            let options = ["\(stage).max_steps=8"]
            try workspace.train(ranks: 3, options + ["output_dir=whole"])
            let killed = try workspace.job(ranks: 3, options).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/01-\(stage)/checkpoint-00000004"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { Foundation.kill(process, SIGKILL) }
            }
            #expect(killed.status != 0 && !workspace.has("out/stages/01-\(stage)/final"))
            try workspace.train(ranks: 3, resume: true, options)
            #expect(try workspace.weights("out", "01-\(stage)") == workspace.weights("whole", "01-\(stage)"))
            #expect(try workspace.metrics("out").map(\.timeless) == workspace.metrics("whole").map(\.timeless))
        }
    }

    @Test("Without a divergence no reference is read, planned or compared with")
    func noReference() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, "grpo")
            let printed = try workspace.train(["output_dir=free"], flags: ["--print-config"]).output
            #expect(printed.contains("reference: null"), "\(printed)")
            try workspace.train(["output_dir=free", "grpo.max_steps=1"])
            try workspace.train(["output_dir=tied", "grpo.max_steps=1", "grpo.beta=0.04"])
            #expect(try workspace.metrics("free")[0].values["objective/kl"] == nil)
            #expect(try workspace.metrics("tied")[0].values["objective/kl"] != nil)
            for (settings, message) in [
                (["grpo.reference=base"], "reference: is not read where beta is 0"),
                (["grpo.num_generations=1"], "num_generations"),
                (["grpo.loss_type=sapo", "grpo.epsilon=0.3"], "epsilon: has no meaning for loss_type sapo"),
                (["grpo.vf_coef=0.1"], "vf_coef"), (["grpo.kl_coef=0.1"], "kl_coef"),
            ] {
                let refused = try workspace.train(status: 2, settings)
                #expect(refused.errors.contains(message), "\(refused.errors)")
                #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
            }
        }
    }

    @Test("Groups of one score are left out, or drawn again, on any ranks alike")
    func equalGroups() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, "grpo", "temperature: 1.2")
            try workspace.train(["output_dir=keep"])
            try workspace.train(["output_dir=again", "grpo.equal_groups=resample"])
            try workspace.train(ranks: 3, ["output_dir=again3", "grpo.equal_groups=resample"])
            #expect(try workspace.weights("again3", "01-grpo") == workspace.weights("again", "01-grpo"))
            let equal = { (run: String) in try values("frac_reward_zero_std", workspace.metrics(run)).reduce(0, +) }
            let (again, keep) = (try equal("again"), try equal("keep"))
            #expect(again < keep, "\(again) of \(keep)")
            // Nothing is learned where no group says anything.
            let none = try workspace.train([
                "output_dir=none", "grpo.equal_groups=drop", "grpo.reward=rule:contains:zzz",
            ])
            #expect(
                none.errors.contains("step 1 makes no update: no response is left: equal_groups drop"), "\(none.errors)"
            )
            #expect(
                try workspace.metrics("none").allSatisfy { $0.values["grad_norm"] == nil && $0.values["reward"] == 0 })
            let refused = try workspace.train(status: 2, ["grpo.max_resamples=9"])
            #expect(refused.errors.contains("max_resamples: has no meaning for equal_groups keep"), "\(refused.errors)")
        }
    }

    @Test(
        "A reference that follows the policy is where a resume finds it, on any ranks alike",
        arguments: ["grpo", "online_dpo"])
    func movingReference(stage: String) throws {
        try RunWorkspace.with { workspace in
            try configure(
                workspace, stage, "beta: 0.2, sync_ref_model: true, ref_model_sync_steps: 2, ref_model_mixup_alpha: 1.0"
            )
            let options = ["\(stage).max_steps=6"]
            try workspace.train(options + ["output_dir=one"])
            try workspace.train(ranks: 3, options + ["output_dir=three"])
            let weights = try workspace.weights("one", "01-\(stage)")
            #expect(try workspace.weights("three", "01-\(stage)") == weights)
            // It stands where the policy does, so the divergence is small again after each move.
            let kl = try values("objective/kl", workspace.metrics("one"))
            #expect(abs(kl[2]) < abs(kl[1]) && abs(kl[4]) < abs(kl[3]), "\(kl)")
            let killed = try workspace.job(ranks: 3, options).run { _ in
                let deadline = Date(timeIntervalSinceNow: 100)
                while !workspace.has("out/stages/01-\(stage)/checkpoint-00000004"), Date() < deadline { usleep(1000) }
                for process in workspace.processes { Foundation.kill(process, SIGKILL) }
            }
            #expect(killed.status != 0)
            try workspace.train(ranks: 3, resume: true, options)
            #expect(try workspace.weights("out", "01-\(stage)") == weights)
            let refused = try workspace.train(status: 2, ["output_dir=refused", "\(stage).sync_ref_model=false"])
            #expect(refused.errors.contains("has no meaning without sync_ref_model"), "\(refused.errors)")
        }
    }

    @Test(
        "Scores are told with the penalty for a response without its end, as TRL tells them",
        arguments: ["grpo", "online_dpo"])
    func toldPenalty(stage: String) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, stage)
            // No response has it, so that the penalty is all that there is.
            try workspace.train(["\(stage).reward=rule:contains:zebra", "\(stage).missing_eos_penalty=2"])
            let lines = try workspace.metrics("out").filter { $0.values["completions/clipped_ratio"] != nil }
            #expect(lines.contains { ($0.values["completions/clipped_ratio"] ?? 0) > 0 })
            for line in lines {
                let score = try #require(line.values["reward"] ?? line.values["objective/scores"])
                let clipped = try #require(line.values["completions/clipped_ratio"])
                #expect(abs(score + 2 * clipped) < 1e-9, "\(line.values)")
            }
        }
    }

    @Test("Several rewards are added by their weights, and each is told", arguments: ["grpo", "online_dpo"])
    func rewardMixture(stage: String) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, stage)
            let both = ["\(stage).reward=[\"rule:count:the\", \"rule:length:12\"]"]
            try workspace.train(both + ["output_dir=both", "\(stage).reward_weights=[1, 0.5]"])
            try workspace.train(ranks: 3, both + ["output_dir=both3", "\(stage).reward_weights=[1, 0.5]"])
            let weights = try workspace.weights("both", "01-\(stage)")
            #expect(try workspace.weights("both3", "01-\(stage)") == weights)
            for line in try workspace.metrics("both") {
                let total = try #require(line.values["reward"] ?? line.values["objective/scores"])
                let count = try #require(line.values["rewards/rule:count:the/mean"])
                let length = try #require(line.values["rewards/rule:length:12/mean"])
                #expect(abs(total - count - length / 2) < 1e-9, "\(line.values)")
            }
            // One that weighs nothing changes nothing.
            try workspace.train(["output_dir=one"])
            try workspace.train(both + ["output_dir=idle", "\(stage).reward_weights=[1, 0]"])
            #expect(try workspace.weights("idle", "01-\(stage)") == workspace.weights("one", "01-\(stage)"))
            for (settings, message) in [
                (["reward_weights=[1, 2]"], "reward_weights: has 2 weights for 1 reward"),
                (["reward_weights=[0]"], "reward_weights: leaves nothing of any reward"),
                (["reward=[\"rule:count:a\", \"rule:count:a\"]"], "reward: lists rule:count:a twice"),
                (["reward=[\"rule:count:a\", base]"], "reward: expected a reward, but 'base' is a policy"),
            ] {
                let refused = try workspace.train(
                    status: 2, ["output_dir=refused"] + settings.map { "\(stage).\($0)" })
                #expect(refused.errors.contains(message), "\(refused.errors)")
            }
        }
    }

    @Test("PPO takes other parts by name; without a critic it makes and leaves none")
    func partsOfPPO() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(
                """
                dataset: {train: prompts.jsonl, eval: []}
                stages: [ppo]
                ppo: {reward: "rule:count:the", max_steps: 2, rollout_batch_size: 6, response_length: 12, \
                num_ppo_epochs: 2, temperature: 1.0, learning_rate: 1.0e-3, critic_init: base}
                """)
            try workspace.train(["output_dir=clip"])
            let clip = try workspace.weights("clip", "01-ppo")
            for settings in [
                ["ppo.loss_type=apa"], ["ppo.loss_type=awr"], ["ppo.loss_type=cispo"], ["ppo.loss_type=sapo"],
                ["ppo.importance_sampling_level=sequence"], ["ppo.token_reward=preference_matching"],
                ["ppo.cliprange_high=0.01"],
            ] {
                try workspace.train(settings + ["output_dir=\(settings[0])"])
                #expect(try workspace.weights(settings[0], "01-ppo") != clip, "\(settings)")
                #expect(workspace.has("\(settings[0])/stages/01-ppo/critic"))
            }
            let refused = try workspace.train(status: 2, ["ppo.advantage=reinforce"])
            #expect(
                refused.errors.contains("critic_init: is of a critic, and advantage reinforce has none"),
                "\(refused.errors)")
            try workspace.configure(
                """
                dataset: {train: prompts.jsonl, eval: []}
                stages: [ppo]
                ppo: {reward: "rule:count:the", max_steps: 2, rollout_batch_size: 6, response_length: 12, \
                advantage: reinforce}
                """)
            try workspace.train(ranks: 3, ["output_dir=reinforce"])
            #expect(!workspace.has("reinforce/stages/01-ppo/critic"))
            #expect(try workspace.metrics("reinforce")[0].values["loss/value_avg"] == nil)
        }
    }

    private func values(_ name: String, _ metrics: [MetricsLine]) throws -> [Double] {
        try metrics.map { try #require($0.values[name]) }
    }
}
