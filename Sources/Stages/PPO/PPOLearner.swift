import MPI
import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A learner of PPO: from a share of a step's responses to updates of policy and critic that all learners make alike.
package final class PPOLearner {
    package let policy: DecoderModel
    package let critic: DecoderModel
    package let policyUpdater: ParameterUpdater
    package let criticUpdater: ParameterUpdater
    /// The coefficient of the KL penalty.
    package var controller: KLController
    /// The updates that were skipped.
    package var nonFinite = NonFiniteSteps()
    private let options: PPOOptions
    private let stage: String
    private let note: (String) throws -> Void
    private let learners: Communicator
    private let tracer: Tracer
    private let seed: UInt64
    /// Updates of a step, where none is left out.
    private let plannedUpdates: Int

    /// - Parameters:
    ///   - totalSteps: PPO steps of the whole stage.
    ///   - seed: The seed of the stage.
    ///   - stage: The name of the stage, for messages.
    ///   - note: Is told of updates that are skipped.
    package init(
        policy: DecoderModel, critic: DecoderModel, _ options: PPOOptions, totalSteps: Int,
        learners: Communicator, seed: UInt64, tracer: Tracer = Tracer(), stage: String = "ppo",
        note: @escaping (String) throws -> Void = { _ in }
    ) {
        self.stage = stage
        self.note = note
        self.policy = policy
        self.critic = critic
        self.options = options
        self.learners = learners
        self.tracer = tracer
        self.seed = seed
        policy.recomputesActivations = options.gradientCheckpointing
        critic.recomputesActivations = options.gradientCheckpointing
        plannedUpdates = options.rollouts.numPPOEpochs * options.rollouts.numMiniBatches
        let updates = Int(min(0x1p53, Double(totalSteps) * Double(plannedUpdates)))
        policyUpdater = ParameterUpdater(
            policy.parameters, options.optimizer, totalSteps: updates, communicator: learners, tracer: tracer)
        criticUpdater = ParameterUpdater(
            critic.parameters, options.optimizer, learningRate: options.criticLearningRate, totalSteps: updates,
            communicator: learners, tracer: tracer)
        let rule = options.shaping.klTarget.map {
            KLController.Rule.adaptive(target: $0, horizon: Double(options.shaping.klHorizon))
        }
        controller = KLController(options.shaping.klCoef, rule: rule ?? .fixed)
    }

    /// Learns from a step.
    ///
    /// - Throws: ``RunError/notFinite(stage:step:what:teller:canSkip:)``, on all learners alike, unless such updates are skipped.
    package func learn(step: Int, from batch: ExperienceBatch) throws -> MetricValues {
        let (trajectories, schedule, kl) = try prepare(step: step, batch)
        let tokenCounts = try tracer.collective(over: learners) {
            try schedule.responseTokens(of: trajectories).map { try learners.allReduce($0, .sum) }
        }
        var (policySums, valueSums) = (PPOPolicyMetrics(), PPOValueMetrics())
        var norms: [ParameterUpdater.Update] = []
        var place = plannedUpdates * step
        updates: for (epoch, miniBatches) in schedule.epochs.enumerated() {
            // In a step with fewer responses than mini-batches some are empty on all learners: an update would be made of
            // momentum and weight decay alone.
            for (number, microBatches) in miniBatches.enumerated() where tokenCounts[epoch][number] > 0 {
                place = plannedUpdates * step + options.rollouts.numMiniBatches * epoch + number
                let losses = PPOLosses(
                    policy: policy, critic: critic, options, trajectories, globalTokens: Int(tokenCounts[epoch][number])
                )
                var (policyPart, valuePart) = (PPOPolicyMetrics(), PPOValueMetrics())
                for microBatch in microBatches {
                    policyPart.merge(backpropagate { losses.policyTerm(microBatch) })
                    valuePart.merge(
                        backpropagate(weight: options.loss.vfCoef) { losses.valueTerm(microBatch) })
                }
                policyPart = try policyPart.reduced(over: learners)
                valuePart = try valuePart.reduced(over: learners)
                guard let update = try update(policyPart, valuePart, at: place) else {
                    let search = NonFiniteSearch(
                        parameters: [policyUpdater.parameters, criticUpdater.parameters], communicator: learners)
                    let cause = try search.cause(
                        in: microBatches, examples: "responses",
                        losses: { batch in [{ losses.policyTerm(batch).value }, { losses.valueTerm(batch).value }] },
                        name: { trajectories[$0].experience.place })
                    try nonFinite.met(
                        cause, stage: stage, step: step + 1, policy: options.optimizer.onNonFinite,
                        finders: learners, note: note)
                    continue
                }
                nonFinite.passed()
                norms.append(update)
                policySums.merge(policyPart)
                valueSums.merge(valuePart)
                let divergence = policyPart.report["policy/approxkl_avg"] ?? 0
                if let bound = options.loss.maxApproxKL, divergence > bound { break updates }
            }
        }
        var metrics = kl.values
        metrics["objective/kl_coef"] = controller.coefficient
        metrics.merge(policySums.values)
        metrics.merge(valueSums.values)
        metrics["grad_norm"] = norms.map(\.gradientNorm).reduce(0, +) / Double(norms.count)
        metrics["lr"] = policyUpdater.schedule.rate(at: place)
        if nonFinite.total > 0 { metrics["non_finite_steps"] = Double(nonFinite.total) }
        let divergence = kl.report["objective/kl"] ?? 0
        if divergence.isFinite { controller.update(kl: divergence, responses: batch.total) }
        return metrics
    }

    /// Adds a loss's gradients, times `weight`. The graph of its forward pass is gone when this returns, so that a rank never
    /// holds those of policy and critic together.
    private func backpropagate<Metrics>(weight: Double? = nil, _ loss: () -> LossTerm<Metrics>) -> Metrics {
        let term = tracer.measure(.forward, loss)
        tracer.measure(.backward) { (weight.map { term.value * $0 } ?? term.value).backward() }
        return term.metrics
    }

    /// Updates both models, or neither where a loss or gradient is not finite: `nil`, with gradients cleared.
    private func update(
        _ policy: PPOPolicyMetrics, _ value: PPOValueMetrics, at place: Int
    ) throws -> ParameterUpdater.Update? {
        // Reduced figures and norms are the same on all learners, so all take the same way.
        let losses = [policy.report["loss/policy_avg"], value.report["loss/value_avg"]].compactMap(\.self)
        if losses.allSatisfy(\.isFinite) {
            let norms = (try policyUpdater.reduceGradients(), try criticUpdater.reduceGradients())
            if norms.0.isFinite, norms.1.isFinite {
                _ = try criticUpdater.update(norm: norms.1, at: place)
                return try policyUpdater.update(norm: norms.0, at: place)
            }
        }
        policyUpdater.parameters.clearGradients()
        criticUpdater.parameters.clearGradients()
        return nil
    }

    /// What is known of a step's responses before the first update on them: old log-probabilities, values, advantages and
    /// returns.
    package func trajectories(step: Int, of batch: ExperienceBatch) throws -> [Trajectory] {
        try prepare(step: step, batch).trajectories
    }

    private func prepare(
        step: Int, _ batch: ExperienceBatch
    ) throws -> (trajectories: [Trajectory], schedule: MiniBatchSchedule, metrics: TrajectoryMetrics) {
        var trajectories = batch.experiences.map { Trajectory(experience: $0) }
        let schedule = MiniBatchSchedule(
            trajectories, total: batch.total, epochs: options.rollouts.numPPOEpochs,
            miniBatches: options.rollouts.numMiniBatches, maxTokens: options.maxTokensPerMicroBatch,
            seed: seed, step: step)
        tracer.measure(.forward) { recordOldPolicy(&trajectories, in: schedule.epochs[0].flatMap(\.self)) }
        try tracer.wait(for: learners)
        let metrics = try shape(&trajectories)
        return (trajectories, schedule, metrics)
    }

    /// Log-probabilities and values before the first update, on the very micro-batches that it will be made on: the first
    /// ratio is then exactly 1.
    private func recordOldPolicy(_ trajectories: inout [Trajectory], in microBatches: [ResponseBatch]) {
        withoutGradients {
            for batch in microBatches {
                var logps = policy.responseLogps(batch, temperature: options.sampling.temperature).logps.doubles()[...]
                var values = critic.scores(batch.rows, at: batch.predictions.rows).doubles()[...]
                for index in batch.indices {
                    let count = trajectories[index].experience.response.count
                    trajectories[index].oldLogps = Array(logps.prefix(count))
                    trajectories[index].values = Array(values.prefix(count))
                    logps = logps.dropFirst(count)
                    values = values.dropFirst(count)
                }
            }
        }
    }

    /// Rewards, advantages and returns of every response; whitening is over all learners.
    private func shape(_ trajectories: inout [Trajectory]) throws -> TrajectoryMetrics {
        let shaping = options.shaping
        let rewardShaping = RewardShaping(
            estimator: shaping.klEstimator.estimator, rewardClip: shaping.rewardClip,
            missingEOSPenalty: shaping.missingEOSPenalty ?? 0)
        var metrics = TrajectoryMetrics()
        var rewards = trajectories.map { trajectory in
            let experience = trajectory.experience
            let rewards = rewardShaping.rewards(
                score: experience.score, endsWithEOS: experience.isFinished, logps: trajectory.oldLogps,
                referenceLogps: experience.referenceLogps.map(Double.init), coefficient: controller.coefficient)
            metrics.add(
                trajectory, rewards: rewards,
                finalScore: rewardShaping.finalScore(experience.score, endsWithEOS: experience.isFinished))
            return rewards
        }
        if shaping.whitenRewards { rewards = try whiten(rewards, Whitening(shiftsMean: false)) }
        let estimation = AdvantageEstimation(discount: shaping.gamma, lambda: shaping.lam)
        let estimates = zip(rewards, trajectories).map { estimation(rewards: $0, values: $1.values) }
        var advantages = estimates.map(\.advantages)
        if shaping.whitenAdvantages { advantages = try whiten(advantages, Whitening()) }
        for index in trajectories.indices {
            trajectories[index].advantages = advantages[index]
            trajectories[index].returns = estimates[index].returns
        }
        return try metrics.reduced(over: learners)
    }

    private func whiten(_ values: [[Double]], _ whitening: Whitening) throws -> [[Double]] {
        let moments = try Moments(values.lazy.joined()).reduced(over: learners)
        return values.map { whitening($0, moments: moments) }
    }
}

extension KLEstimatorChoice {
    /// The same estimator in the words of the layer that computes it.
    fileprivate var estimator: KLEstimator {
        switch self {
        case .k1: .k1
        case .k3: .k3
        case .k1Clamped: .clampedK1
        }
    }
}
