import Commands
import Foundation
import Runs
import Stages
import Testing
import Training

@Suite("A PPO learner")
struct PPOLearnerTests {
    @Test(
        "Before the first update on a batch every ratio is exactly 1 and nothing is clipped, on new and stale samples",
        arguments: [1, 4], [1, 40, 100_000])
    func firstRatios(miniBatches: Int, maxTokens: Int) throws {
        for staleness in [0, 1] {
            let learning = Learning {
                $0.rollouts.numMiniBatches = miniBatches
                $0.rollouts.maxStaleness = staleness
                $0.maxTokensPerMicroBatch = maxTokens
                // Later mini-batches come before the first update too, where updates change nothing.
                $0.optimizer.learningRate = miniBatches == 1 ? 1e-2 : 0
                $0.criticLearningRate = $0.optimizer.learningRate
            }
            let metrics = try learning(responses(12)).metrics
            #expect(metrics["val/ratio"] == 1)
            #expect(metrics["val/ratio_var"] == 0)
            #expect(metrics["policy/approxkl_avg"] == 0)
            #expect(metrics["policy/clipfrac_avg"] == 0)
            #expect(metrics["val/clipfrac_avg"] == 0)
        }
    }

    @Test("Later passes see the updates: ratios leave 1 and some are clipped")
    func laterRatios() throws {
        let learning = Learning {
            $0.rollouts.numPPOEpochs = 3
            $0.optimizer.learningRate = 1e-2
        }
        let metrics = try learning(responses(12)).metrics
        #expect(try #require(metrics["val/ratio_var"]) > 1e-4)
        #expect(try #require(metrics["policy/clipfrac_avg"]) > 0)
    }

    @Test("Rewards are the KL penalty on every token and the score on the last real one, and sum to score - β ΣKL")
    func rewardPlaces() throws {
        let learning = Learning {
            $0.shaping.klCoef = 0.3
            // With γ = λ = 1, returns are sums of the rewards to come.
            $0.shaping.lam = 1
            $0.shaping.rewardClip = 2
            $0.shaping.missingEOSPenalty = 0.7
        }
        let rollouts = try responses(8) { Double($0) - 4 }
        for rollout in try learning.prepared(rollouts) {
            let following = rollout.returns.dropFirst() + [0]
            let rewards = zip(rollout.returns, following).map { $0 - $1 }
            let score = min(max(rollout.score, -2), 2) - (rollout.isFinished ? 0 : 0.7)
            var kl = 0.0
            for t in rewards.indices {
                let logRatio = rollout.oldLogps[t] - Double(rollout.referenceLogps[t])
                kl += logRatio
                let expected = -0.3 * logRatio + (t == rewards.count - 1 ? score : 0)
                #expect(abs(rewards[t] - expected) < 1e-9, "token \(t) of response \(rollout.stepIndex)")
            }
            #expect(kl != 0)
            #expect(abs(rewards.reduce(0, +) - (score - 0.3 * kl)) < 1e-9)
        }
        let metrics = try learning(rollouts).metrics
        let (kl, penalty) = try (#require(metrics["objective/kl"]), #require(metrics["objective/non_score_reward"]))
        #expect(abs(penalty + 0.3 * kl) < 1e-9)
    }

    @Test("A response's log-probabilities, values and advantages do not depend on its company")
    func company() throws {
        let rollouts = try responses(12)
        for maxTokens in [1, 50, 100_000] {
            let learning = Learning { $0.maxTokensPerMicroBatch = maxTokens }
            let together = try learning.prepared(rollouts)
            for index in [0, 5, 11] {
                let alone = try #require(try learning.prepared([moved(rollouts[index], to: 0)]).first)
                #expect(distance(alone.oldLogps, together[index].oldLogps) < 1e-5)
                #expect(distance(alone.values, together[index].values) < 1e-5)
                #expect(distance(alone.advantages, together[index].advantages) < 1e-5)
                #expect(distance(alone.returns, together[index].returns) < 1e-5)
            }
        }
    }

    @Test("The gradient is the mean over all tokens of a mini-batch, however it is divided into micro-batches")
    func microBatches() throws {
        let rollouts = try responses(12)
        let whole = try Learning { $0.maxTokensPerMicroBatch = 100_000 }(rollouts)
        for maxTokens in [1, 60] {
            let parts = try Learning { $0.maxTokensPerMicroBatch = maxTokens }(rollouts)
            #expect(relativeError(parts.policyGradient, whole.policyGradient) < 1e-5)
            #expect(relativeError(parts.criticGradient, whole.criticGradient) < 1e-5)
        }
    }

    @Test("Stale samples weigh by min(exp(old - sampled), 2) a token, new ones by 1")
    func behaviourWeights() throws {
        let stale = Learning { $0.rollouts.maxStaleness = 1 }
        let known = try stale.prepared(responses(12))
        let differences = { (token: Int) in [-1.2, 0, 0.4, 0.9, 3][token % 5] }
        let rollouts = try responses(12).sampled(below: known, by: differences)
        let weights = known.flatMap { $0.oldLogps.indices.map { min(exp(differences($0)), 2) } }
        let ratio = try #require(try stale(rollouts).metrics["sampling/importance_sampling_ratio"])
        #expect(abs(ratio - weights.reduce(0, +) / Double(weights.count)) < 1e-5)
        #expect(try Learning()(rollouts).metrics["sampling/importance_sampling_ratio"] == 1)

        let plain = try Learning()(rollouts)
        for (difference, factor) in [(0.0, 1.0), (log(1.5), 1.5), (-0.5, exp(-0.5)), (4, 2)] {
            let weighted = try stale(responses(12).sampled(below: known) { _ in difference })
            let expected = plain.policyGradient.map { $0 * Float(factor) }
            #expect(relativeError(weighted.policyGradient, expected) < 1e-5, "exp(\(difference))")
            #expect(weighted.criticGradient == plain.criticGradient)
        }
    }

    @Test("A constant reward gives whitened advantages of zero, and the policy no gradient")
    func constantReward() throws {
        var learning = Learning {
            $0.shaping.klCoef = 0
            $0.shaping.lam = 1
            $0.shaping.whitenAdvantages = true
        }
        learning.hasBlankCritic = true
        let constant = try responses(12) { _ in 1.5 }
        #expect(try learning.prepared(constant).flatMap(\.advantages).allSatisfy { abs($0) < 1e-6 })
        #expect(try #require(learning(constant).metrics["grad_norm"]) < 1e-6)
        let varied = try responses(12)
        let advantages = try learning.prepared(varied).flatMap(\.advantages)
        let count = Double(advantages.count)
        #expect(abs(advantages.reduce(0, +) / count) < 1e-9)
        #expect(abs(advantages.map { $0 * $0 }.reduce(0, +) / count - 1) < 1e-6)
        #expect(try #require(learning(varied).metrics["grad_norm"]) > 1e-2)
    }

    private func moved(_ rollout: Rollout, to stepIndex: Int) -> Rollout {
        var rollout = rollout
        rollout.stepIndex = stepIndex
        return rollout
    }

    private func distance(_ left: [Double], _ right: [Double]) -> Double {
        precondition(left.count == right.count, "\(left.count) and \(right.count) tokens")
        return zip(left, right).map { abs($0 - $1) }.max() ?? 0
    }
}
