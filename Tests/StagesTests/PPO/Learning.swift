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
    var options: PPOOptions
    /// Whether the critic's values are all zero.
    var hasBlankCritic = false

    /// One pass over a step, with nothing clipped or whitened and gradients left as they are in the optimizer.
    init(_ change: (inout PPOOptions) -> Void = { _ in }) {
        options = PPOOptions()
        options.sampling.temperature = 1
        options.rollouts.numPPOEpochs = 1
        options.optimizer = OptimizerOptions(learningRate: 1e-3)
        options.optimizer.maxGradNorm = 0
        options.optimizer.adamBeta1 = 0
        options.shaping.whitenAdvantages = false
        change(&options)
    }

    func learner() throws -> PPOLearner {
        let critic = try trainable("models/reward-llama", head: .score)
        if hasBlankCritic { critic.parameters["score.weight"].fill(0) }
        return PPOLearner(
            policy: try trainable("dpo/policy"), critic: critic, options, totalSteps: 100,
            learners: try MPIRuntime().world, seed: 7)
    }

    /// Learns from one step.
    func callAsFunction(_ experiences: [Experience]) throws -> Learned {
        let learner = try learner()
        let metrics = try learner.learn(
            step: 0, from: ExperienceBatch(total: experiences.count, experiences: experiences))
        return Learned(
            metrics: metrics, policyGradient: learner.policyUpdater.optimizer.firstMoments.floats(),
            criticGradient: learner.criticUpdater.optimizer.firstMoments.floats())
    }

    /// What is known of the responses before the first update.
    func trajectories(_ experiences: [Experience]) throws -> [Trajectory] {
        try learner().trajectories(
            step: 0, of: ExperienceBatch(total: experiences.count, experiences: experiences))
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
func responses(_ count: Int, score: (Int) -> Double = { Double($0 % 5) - 1.5 }) throws -> [Experience] {
    let reference = try ModelDirectory(TestSupport.fixture("models/llama")).decoder(
        head: .languageModel, trainable: false)
    var random = SplitMix64(11)
    func tokens(_ length: ClosedRange<Int>) -> [Int32] {
        let count = length.lowerBound + random.next(below: length.count)
        return (0..<count).map { _ in Int32(3 + random.next(below: 150)) }
    }
    return (0..<count).map { place in
        let (prompt, isFinished) = ([1] + tokens(1...7), place % 3 > 0)
        let response = tokens(1...12) + (isFinished ? [2] : [])
        let batch = ResponseBatch([TokenizedCompletion(index: 0, prompt: prompt, completion: response)])
        let logps = withoutGradients { reference.tokenLogps(batch.rows, predictions: batch.predictions).logps.floats() }
        return Experience(
            place: place, version: 0, prompt: prompt, response: response, sampledLogps: logps, referenceLogps: logps,
            score: score(place), isFinished: isFinished)
    }
}

extension [Experience] {
    /// The same responses as sampled by a policy that gave each token `difference` less log-probability than the
    /// learner's.
    func sampled(below trajectories: [Trajectory], by difference: (Int) -> Double) -> [Experience] {
        zip(self, trajectories).map { experience, trajectory in
            var experience = experience
            experience.sampledLogps = trajectory.oldLogps.enumerated().map { Float($1 - difference($0)) }
            return experience
        }
    }
}
