import Foundation
import TestSupport
import Testing

@Suite(
    "PPO runs whose steps are not all as planned", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct ShortStepTests {
    /// Of 16 prompts every second step has one.
    private static let short = """
        dataset: {train: prompts.jsonl, eval: []}
        stages: [ppo]
        ppo: {reward: "rule:length:9", rollout_batch_size: 15, total_episodes: 46, response_length: 8, num_ppo_epochs: 1, \
        num_mini_batches: 5, temperature: 1.0, learning_rate: 1.0e-3}
        """

    @Test(
        "A step of one response for five mini-batches is counted and learned from as it is, on any number of learners",
        arguments: [1, 4])
    func shortSteps(ranks: Int) throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(Self.short)
            let result = try workspace.train(ranks: ranks, ranks > 1 ? ["ppo.learners=2"] : [])
            #expect(
                result.errors.contains(
                    "ppo: the last step of each epoch has 1 of 15 responses, fewer than its 5 mini-batches"))
            let metrics = try workspace.metrics()
            try #require(metrics.count == 4)
            // 46 episodes are four steps of 15, as TRL rounds.
            #expect(metrics.map { $0.values["episode"] } == [15, 16, 31, 32])
            #expect(metrics.map { $0.values["epoch"] } == [15.0 / 16, 1, 31.0 / 16, 2])
            #expect(metrics[1].values["val/ratio"] == 1 && metrics[3].values["val/ratio"] == 1)
            #expect(try #require(metrics[2].values["val/ratio_var"]) > 0)
        }
    }

    @Test("A run that leaves updates out is warned of top_p, and resumes to the same bytes")
    func resumed() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(
                Self.short.replacing("num_mini_batches: 5", with: "max_approx_kl: 1.0e-9, top_p: 0.9")
                    .replacing("num_ppo_epochs: 1", with: "num_ppo_epochs: 4"))
            let whole = try workspace.job(ranks: 1, ["output_dir=whole"]).run()
            #expect(whole.status == 0)
            let warning = "  ppo: warning: responses are drawn from the part of the distribution that top_p 0.9 leaves"
            #expect(whole.errors.contains(warning), "\(whole.errors)")
            let rates = try workspace.metrics("whole").compactMap { $0.values["lr"] }
            // The second of each step's four updates is the last: 1, 5, 9 and 13 of 16.
            #expect(rates == [1, 5, 9, 13].map { 1e-3 * (1 - $0 / 16) })
            let stopped = try workspace.end(try workspace.job(ranks: 1), at: Moment(lines: 2)) { kill($0, SIGUSR1) }
            #expect(stopped.status == 75, "\(stopped.errors)")
            #expect(try workspace.job(ranks: 1, resume: true).run().status == 0)
            try workspace.expectSame()
        }
    }

    @Test("A learner holds the graph of policy or critic, never both: its peak of memory is within its plan")
    func memory() throws {
        try RunWorkspace.with { workspace in
            try workspace.addOpenings()
            try workspace.configure(
                Self.short.replacing("num_mini_batches: 5", with: "max_steps: 1, stop_token: none")
                    .replacing(
                        "rollout_batch_size: 15, total_episodes: 46",
                        with: "rollout_batch_size: 16, n_samples_per_prompt: 6"
                    )
                    .replacing("response_length: 8", with: "response_length: 80")
                    .replacing("temperature: 1.0", with: "temperature: 1.0, max_tokens_per_micro_batch: 1000000"))
            let plan = try Job(
                TestSupport.product("mpo"), ["plan", "run.yaml", "-n", "1"], directory: workspace.directory
            ).run()
            let total = try #require(plan.output.firstMatch(of: /at most ([0-9.]+) (MiB|GiB) of/))
            let planned = try #require(Double(total.1)) * (total.2 == "GiB" ? 1024 : 1)
            var peak = 0.0
            let result = try workspace.job(ranks: 1).run { process in
                // Nothing can be read once it is over.
                while let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
                    let line = status.firstMatch(of: /VmHWM:\s+(\d+) kB/), let kibibytes = Double(line.1)
                {
                    peak = max(peak, kibibytes / 1024)
                    usleep(5000)
                }
            }
            #expect(result.status == 0, "\(result.errors)")
            #expect(peak > 0.5 * planned && peak < planned, "\(peak) MiB of \(planned) planned")
        }
    }
}
