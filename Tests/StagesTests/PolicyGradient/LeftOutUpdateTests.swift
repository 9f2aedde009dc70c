import Commands
import Runs
import Stages
import Testing
import Torch
import Training

@Suite("A PPO learner that leaves updates out")
struct LeftOutUpdateTests {
    /// Of the learners here: 100 steps of 4 updates, and a rate that falls to 0.
    private static let (steps, updates, peak) = (100, 4, 1e-3)

    private func rate(ofUpdate place: Int) -> Double {
        Self.peak * (1 - Double(place) / Double(Self.steps * Self.updates))
    }

    @Test("The learning rate goes by the plan, however many updates max_approx_kl leaves out")
    func divergence() throws {
        let learner = try Learning {
            $0.rollouts.numPPOEpochs = 4
            $0.loss.maxApproxKL = 1e-9
        }.learner()
        for step in 0..<3 {
            let lr = try learner.learn(step: step, from: batch(6))["lr"]
            // The second update sees that the first has moved the policy, and is the last.
            #expect(lr == rate(ofUpdate: 4 * step + 1))
        }
        #expect(learner.policyUpdater.optimizer.step == 6)
        // A run that resumes there has the same rate.
        let last = try Learning {
            $0.rollouts.numPPOEpochs = 4
            $0.loss.maxApproxKL = 1e-9
        }.learner().learn(step: 99, from: batch(6))
        #expect(last["lr"] == rate(ofUpdate: 397))
    }

    @Test("The learning rate goes by the plan past updates whose loss is not finite")
    func notFinite() throws {
        let learner = try Learning {
            $0.rollouts.numMiniBatches = 4
            $0.optimizer.onNonFinite = .skip
        }.learner()
        let poisoned = try RolloutBatch(total: 8, rollouts: responses(8) { $0 == 0 ? .nan : 1 })
        let first = try learner.learn(step: 0, from: poisoned)
        #expect(first["non_finite_steps"] == 1 && first["lr"] == rate(ofUpdate: 3))
        #expect(try learner.learn(step: 1, from: batch(8))["lr"] == rate(ofUpdate: 7))
    }

    @Test("Tokens that another model must have drawn end the run before any update, where a bound is given")
    func samplersDiffer() throws {
        let learning = Learning { $0.loss.maxSamplingLogpDifference = 0.2 }
        let known = try learning.prepared(responses(6))
        for (difference, ends) in [(0.1, false), (0.3, true)] {
            let drawn = try responses(6).sampled(below: known) { _ in difference }
            let learner = try learning.learner()
            let learn = { try learner.learn(step: 4, from: RolloutBatch(total: 6, rollouts: drawn)) }
            guard ends else {
                let mean = try #require(try learn()["sampling/sampling_logp_difference/mean"])
                #expect(abs(mean - difference) < 1e-4)
                continue
            }
            let error = #expect(throws: RunError.self) { try learn() }
            #expect(
                error?.description.hasPrefix(
                    "ppo: step 5: log-probabilities of the tokens that were drawn are 0.3000 from the learner's on average, "
                        + "above max_sampling_logp_difference 0.2000; ") == true, "\(String(describing: error))")
            #expect(error?.exitStatus == 1 && learner.policyUpdater.optimizer.step == 0)
        }
    }

    @Test("A mini-batch without a response makes no update: no momentum, no decay, and ratios stay 1")
    func emptyMiniBatches() throws {
        let learner = try Learning {
            $0.rollouts.numMiniBatches = 4
            $0.optimizer.adamBeta1 = 0.9
            $0.optimizer.weightDecay = 0.1
            $0.optimizer.learningRate = 1e-2
        }.learner()
        _ = try learner.learn(step: 0, from: batch(12))
        #expect(learner.policyUpdater.optimizer.step == 4)
        for step in 1...3 {
            let metrics = try learner.learn(step: step, from: batch(1))
            #expect(metrics["val/ratio"] == 1 && metrics["policy/approxkl_avg"] == 0)
            #expect(
                learner.policyUpdater.optimizer.step == 4 + step && learner.criticUpdater?.optimizer.step == 4 + step)
        }
    }

    private func batch(_ count: Int) throws -> RolloutBatch {
        RolloutBatch(total: count, rollouts: try responses(count))
    }
}
