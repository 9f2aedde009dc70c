import Commands
import Foundation
import Runs
import Stages
import Testing
import Torch
import Training

@Suite("A PPO learner whose losses are not finite")
struct PPONonFiniteTests {
    @Test("Stops by default, and names the micro-batch, the rank and the responses")
    func stops() throws {
        let learning = Learning { $0.maxTokensPerMicroBatch = 1 }
        let error = #expect(throws: RunError.self) { try learning(poisoned(6, number: 4)) }
        let text = "\(try #require(error))"
        #expect(text.hasPrefix("ppo: step 1: the loss of micro-batch "))
        #expect(text.contains(" of 6 on rank 0 (responses 4) is not finite; "))
        #expect(text.contains("on_non_finite: skip"))
    }

    @Test("Skips as told: nothing changes in that update, and the next good step is made")
    func skips() throws {
        let learner = try Learning { $0.optimizer.onNonFinite = .skip }.learner()
        let before = state(of: learner)
        let skipped = try learn(learner, step: 0, poisoned(6, number: 4))
        #expect(skipped["non_finite_steps"] == 1)
        #expect(state(of: learner) == before)
        #expect(learner.policyUpdater.optimizer.step == 0 && learner.criticUpdater?.optimizer.step == 0)
        #expect(gradients(of: learner).allSatisfy { $0 == 0 })
        let good = try learn(learner, step: 1, responses(6))
        #expect(good["non_finite_steps"] == 1)
        #expect(good["grad_norm"]?.isFinite ?? false && good["objective/kl_coef"]?.isFinite ?? false)
        let after = state(of: learner)
        #expect(after != before && after.allSatisfy(\.isFinite))
        // As if the bad step had never been.
        let other = try Learning().learner()
        _ = try learn(other, step: 1, responses(6))
        #expect(state(of: other) == after)
    }

    @Test("Gives up after ten skipped updates in a row")
    func givesUp() throws {
        let learner = try Learning { $0.optimizer.onNonFinite = .skip }.learner()
        for step in 0..<9 { _ = try learn(learner, step: step, poisoned(3, number: 0)) }
        let error = #expect(throws: RunError.self) { try learn(learner, step: 9, poisoned(3, number: 0)) }
        #expect(
            "\(try #require(error))".contains("ppo: step 10: for 10 steps in a row, and last, the loss of micro-batch"))
    }

    /// Responses of which one has a reward that is no number.
    private func poisoned(_ count: Int, number: Int) throws -> [Rollout] {
        try responses(count) { $0 == number ? .nan : 1 }
    }

    private func learn(_ learner: PolicyLearner, step: Int, _ rollouts: [Rollout]) throws -> MetricValues {
        try learner.learn(step: step, from: RolloutBatch(total: rollouts.count, rollouts: rollouts))
    }

    /// Parameters and moments of both models.
    private func state(of learner: PolicyLearner) -> [Float] {
        [learner.policyUpdater, learner.criticUpdater].compactMap(\.self).flatMap {
            $0.parameters.groups[0].values.floats() + $0.optimizer.firstMoments.floats()
                + $0.optimizer.secondMoments.floats()
        }
    }

    private func gradients(of learner: PolicyLearner) -> [Float] {
        [learner.policyUpdater, learner.criticUpdater].compactMap(\.self).flatMap {
            $0.parameters.groups[0].gradients?.floats() ?? [.nan]
        }
    }
}
