import Foundation
import Runs
import Stages
import TestSupport
import Testing

@Suite("What a critic costs", .serialized, .enabled(if: RunWorkspace.hasNeeds, RunWorkspace.needs))
struct CriticCostTests {
    private func configure(_ workspace: RunWorkspace, steps: Int) throws {
        try workspace.addOpenings()
        try workspace.configure(
            """
            dataset: {train: prompts.jsonl}
            stages: [first, with, without, last]
            with: &ppo {type: ppo, init: base, reward: "rule:count:the", max_steps: \(steps), rollout_batch_size: 16, \
            response_length: 40, temperature: 1.0}
            without: {<<: *ppo, advantage: reinforce}
            first: {<<: *ppo, advantage: reinforce}
            last: *ppo
            """)
    }

    @Test("A plan without one has less by its weights, gradients and moments")
    func memory() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, steps: 1)
            let run = try RunConfiguration(
                contentsOf: workspace.url("run.yaml").path,
                overrides: ["dataset.train=\(workspace.url("prompts.jsonl").path)"])
            let stages = try RunForecast(run, ranks: 1).stages
            let memory = { (name: String) in
                try #require(stages.first { $0.configuration.name == name }?.roles.first?.memory)
            }
            let (with, without) = (try memory("with"), try memory("without"))
            let critic = with.weights - without.weights
            // A body like the policy's, with a small head in place of a tied one.
            #expect(Double(abs(critic - without.weights)) < 0.1 * Double(critic))
            #expect(with.gradients - without.gradients == critic && with.moments - without.moments == 2 * critic)
        }
    }

    @Test(
        "A step without one takes a learner at most 0.65 of the time",
        .enabled(if: TestSupport.runsLongTests, "a long test: MPO_LONG_TESTS=1"))
    func time() throws {
        try RunWorkspace.with { workspace in
            try configure(workspace, steps: 30)
            try workspace.train()
            let lines = try workspace.metrics()
            let times = Dictionary(grouping: lines) { $0.stage.split(separator: "-", maxSplits: 1)[1] }
                .mapValues { $0.compactMap { $0.values["timing/ppo_train"] }.sorted() }
                .mapValues { $0[$0.count / 2] }
            let median = { (name: Substring) in try #require(times[name]) }
            let ratio = try (median("first") + median("without")) / (median("with") + median("last"))
            #expect(ratio <= 0.65, "\(times)")
        }
    }
}
