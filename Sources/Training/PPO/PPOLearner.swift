import MPI
import Objectives
import PreferenceData
import Torch
import Transformers

/// A learner of PPO: from a share of a step's responses to updates of policy and critic that all learners make alike.
package final class PPOLearner {
    let policy: Transformers.Decoder
    let critic: Transformers.Decoder
    package let policyUpdater: ParameterUpdater
    package let criticUpdater: ParameterUpdater
    /// The coefficient of the KL penalty.
    var controller: KLController
    private let options: PPOOptions
    private let learners: Communicator
    private let tracer: Tracer
    private let seed: UInt64

    /// - Parameters:
    ///   - totalSteps: PPO steps of the whole stage.
    ///   - seed: The seed of the stage.
    package init(
        policy: Transformers.Decoder, critic: Transformers.Decoder, _ options: PPOOptions, totalSteps: Int,
        learners: Communicator, seed: UInt64, tracer: Tracer = Tracer()
    ) {
        self.policy = policy
        self.critic = critic
        self.options = options
        self.learners = learners
        self.tracer = tracer
        self.seed = seed
        let updates = totalSteps * options.rollouts.numPPOEpochs * options.rollouts.numMiniBatches
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

    /// Learns from a step; `nil` where a gradient was not finite, which all learners find alike.
    package func learn(step: Int, from batch: ExperienceBatch) throws -> MetricValues? {
        let (trajectories, schedule, kl) = try prepare(step: step, batch)
        let tokenCounts = try tracer.collective(over: learners) {
            try schedule.responseTokens(of: trajectories).map { try learners.allReduce($0, .sum) }
        }
        var (policySums, valueSums) = (PPOPolicyMetrics(), PPOValueMetrics())
        var norms: [ParameterUpdater.Update] = []
        updates: for (epoch, miniBatches) in schedule.epochs.enumerated() {
            for (number, microBatches) in miniBatches.enumerated() {
                var (policyPart, valuePart) = (PPOPolicyMetrics(), PPOValueMetrics())
                for microBatch in microBatches {
                    let terms = tracer.measure(.forward) {
                        losses(microBatch, trajectories, globalTokens: Int(tokenCounts[epoch][number]))
                    }
                    policyPart.merge(terms.policy.metrics)
                    valuePart.merge(terms.value.metrics)
                    tracer.measure(.backward) {
                        terms.policy.value.backward()
                        (terms.value.value * options.loss.vfCoef).backward()
                    }
                }
                guard let update = try policyUpdater.step(), try criticUpdater.step() != nil else { return nil }
                norms.append(update)
                policyPart = try policyPart.reduced(over: learners)
                policySums.merge(policyPart)
                valueSums.merge(try valuePart.reduced(over: learners))
                let divergence = policyPart.report["policy/approxkl_avg"] ?? 0
                if let bound = options.loss.maxApproxKL, divergence > bound { break updates }
            }
        }
        var metrics = kl.values
        metrics["objective/kl_coef"] = controller.coefficient
        metrics.merge(policySums.values)
        metrics.merge(valueSums.values)
        metrics["grad_norm"] = norms.map(\.gradientNorm).reduce(0, +) / Double(norms.count)
        metrics["lr"] = norms.last?.learningRate
        controller.update(kl: (kl.report["objective/kl"] ?? 0), responses: batch.total)
        return metrics
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
                var logps = logps(batch).logps.doubles()[...]
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

    private func logps(_ batch: ResponseBatch) -> TokenLogps {
        policy.tokenLogps(
            batch.rows, predictions: batch.predictions, temperature: options.sampling.temperature)
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

    private func losses(
        _ batch: ResponseBatch, _ trajectories: [Trajectory], globalTokens: Int
    ) -> (policy: LossTerm<PPOPolicyMetrics>, value: LossTerm<PPOValueMetrics>) {
        func flat(_ values: (Trajectory) -> [Double]) -> Tensor {
            Tensor(batch.indices.flatMap { values(trajectories[$0]).map { Float($0) } })
        }
        let oldLogps = flat(\.oldLogps)
        // On-policy samples need no correction; those of an older policy are weighed by what it made of them.
        let weights =
            options.rollouts.maxStaleness == 0
            ? nil
            : PPOPolicyLoss.behaviourWeights(
                oldLogps: oldLogps, sampledLogps: flat { $0.experience.sampledLogps.map(Double.init) })
        let policyLoss = PPOPolicyLoss(clipRange: options.loss.cliprange)(
            logps(batch), oldLogps: oldLogps, advantages: flat(\.advantages), behaviourWeights: weights,
            globalTokens: globalTokens)
        let valueLoss = PPOValueLoss(clipRange: options.loss.cliprangeValue)(
            critic.scores(batch.rows, at: batch.predictions.rows), oldValues: flat(\.values), returns: flat(\.returns),
            globalTokens: globalTokens)
        return (policyLoss, valueLoss)
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
