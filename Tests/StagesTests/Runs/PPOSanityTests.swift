import Foundation
import TestSupport
import Testing

@Suite("PPO on a story model", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct PPOSanityTests {
    /// 20 steps, or 50 among the long tests.
    private static let isLong = ProcessInfo.processInfo.environment["MPO_LONG_TESTS"] == "1"

    @Test("Rewarded for a common word it says it more often, while its KL divergence stays bounded")
    func commonWord() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, steps: Self.isLong ? 50 : 16)
            try workspace.train(ranks: 3)
            let metrics = try workspace.metrics()
            let (scores, kl) = (try values("objective/scores", metrics), try values("objective/kl", metrics))
            #expect(scores.suffix(5).mean > 1.5 * scores.prefix(5).mean, "\(scores)")
            #expect(scores.suffix(5).mean > scores.prefix(5).mean + 0.5, "\(scores)")
            #expect(kl.max() ?? .infinity < 25, "\(kl)")
            #expect(abs(kl[0]) < 1e-3 && kl.suffix(5).mean > 0.5, "\(kl)")
        }
    }

    @Test("A huge KL coefficient keeps the policy at its reference")
    func hugeCoefficient() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, steps: 8)
            try workspace.train(["output_dir=free", "ppo.kl_coef=0.0"])
            try workspace.train(["output_dir=tied", "ppo.kl_coef=1000.0"])
            let (free, tied) = (
                try values("objective/kl_k3", workspace.metrics("free")),
                try values("objective/kl_k3", workspace.metrics("tied"))
            )
            #expect(tied.suffix(3).mean < free.suffix(3).mean / 4, "\(tied) against \(free)")
        }
    }

    @Test("Scores are divided by the deviation of all so far", arguments: [1, 3])
    func scaledRewards(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, steps: 3)
            try workspace.train(ranks: ranks, ["ppo.kl_coef=0.0", "ppo.scale_reward=running"])
            let metrics = try workspace.metrics()
            let scales = try values("objective/running_std", metrics)
            for ((reward, score), scale) in try zip(
                zip(values("objective/rlhf_reward", metrics), values("objective/scores", metrics)), scales)
            {
                #expect(abs(reward - score / scale) < 1e-9, "\(metrics)")
            }
            #expect(Set(scales).count == 3 && !scales.contains(1), "\(scales)")
        }
    }

    private func configure(_ workspace: RunWorkspace, steps: Int) throws {
        try workspace.addOpenings()
        try workspace.configure(
            """
            dataset: {train: prompts.jsonl}
            stages: [ppo]
            ppo: {reward: "rule:count:the", max_steps: \(steps), rollout_batch_size: 16, n_samples_per_prompt: 2, \
            response_length: 40, temperature: 1.0, learning_rate: 3.0e-4, lr_scheduler_type: constant, \
            num_ppo_epochs: 2, kl_coef: 0.2}
            """)
    }

    private func values(_ name: String, _ metrics: [MetricsLine]) throws -> [Double] {
        try metrics.map { try #require($0.values[name]) }
    }
}

extension Collection<Double> {
    fileprivate var mean: Double { reduce(0, +) / Double(count) }
}
