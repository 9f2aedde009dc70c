import Commands
import Foundation
import MPI
import PreferenceData
import Runs
import Stages
import TestSupport
import Torch
import Training
import Transformers

/// A learner on small fixtures, and responses for it to learn from.
struct Learning {
    var options: PolicyGradientOptions
    /// Whether the critic's values are all zero.
    var hasBlankCritic = false

    /// One pass over a step, with nothing clipped or whitened and gradients left as they are in the optimizer.
    init(_ change: (inout PolicyGradientOptions) -> Void = { _ in }) {
        options = PolicyGradientOptions()
        options.sampling.temperature = 1
        options.rollouts.numPPOEpochs = 1
        options.optimizer = OptimizerOptions(learningRate: 1e-3)
        options.optimizer.maxGradNorm = 0
        options.optimizer.adamBeta1 = 0
        options.shaping.whitenAdvantages = false
        change(&options)
    }

    func learner() throws -> PolicyLearner {
        let critic = try trainable("models/reward-llama", head: .score)
        if hasBlankCritic { critic.parameters["score.weight"].fill(0) }
        return PolicyLearner(
            policy: try trainable("dpo/policy"), critic: critic, options, totalSteps: 100,
            learners: try MPIRuntime().world, seed: 7)
    }

    /// Learns from one step.
    func callAsFunction(_ rollouts: [Rollout]) throws -> Learned {
        let learner = try learner()
        let metrics = try learner.learn(
            step: 0, from: RolloutBatch(total: rollouts.count, rollouts: rollouts))
        return Learned(
            metrics: metrics, policyGradient: learner.policyUpdater.optimizer.firstMoments.floats(),
            criticGradient: learner.criticUpdater?.optimizer.firstMoments.floats() ?? [])
    }

    /// What is known of the responses before the first update.
    func prepared(_ rollouts: [Rollout]) throws -> [Rollout] {
        try learner().prepared(
            step: 0, RolloutBatch(total: rollouts.count, rollouts: rollouts))
    }
}

/// What a step gave.
struct Learned {
    var metrics: MetricValues
    /// The gradient of the last update.
    var policyGradient: [Float]
    var criticGradient: [Float]
}

/// Responses of random tokens and lengths, and what a worker would have sent with them.
func responses(_ count: Int, score: (Int) -> Double = { Double($0 % 5) - 1.5 }) throws -> [Rollout] {
    let reference = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
        head: .languageModel, trainable: false)
    var random = SplitMix64(11)
    func tokens(_ length: ClosedRange<Int>) -> [Int32] {
        let count = length.lowerBound + random.next(below: length.count)
        return (0..<count).map { _ in Int32(3 + random.next(below: 150)) }
    }
    return (0..<count).map { number in
        let (prompt, isFinished) = ([1] + tokens(1...7), number % 3 > 0)
        let response = tokens(1...12) + (isFinished ? [2] : [])
        let batch = ResponseBatch([TokenizedCompletion(index: 0, prompt: prompt, completion: response)])
        let logps = withoutGradients { reference.tokenLogps(batch.rows, predictions: batch.predictions).logps.floats() }
        return Rollout(
            promptIndex: number, stepIndex: number, prompt: prompt, response: response, sampledLogps: logps,
            isFinished: isFinished, score: score(number), referenceLogps: logps)
    }
}

extension [Rollout] {
    /// The same responses as sampled by a policy that gave each token `difference` less log-probability than the
    /// learner's.
    func sampled(below known: [Rollout], by difference: (Int) -> Double) -> [Rollout] {
        zip(self, known).map { rollout, known in
            var rollout = rollout
            rollout.sampledLogps = known.oldLogps.enumerated().map { Float($1 - difference($0)) }
            return rollout
        }
    }
}
