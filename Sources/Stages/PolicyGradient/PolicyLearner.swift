import MPI
import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A learner: from a share of a step's responses to updates of policy and critic that all learners make alike.
package final class PolicyLearner: OnlineLearner {
    package let policy: DecoderModel
    /// `nil` where advantages need none.
    package let critic: DecoderModel?
    /// The reference, where it moves.
    private let reference: DecoderModel?
    package let policyUpdater: ParameterUpdater
    package let criticUpdater: ParameterUpdater?
    /// The coefficient of the KL penalty.
    package var controller: KLController
    /// The scores so far, where they are scaled by them.
    private var scores: RunningDeviation?
    /// The updates that were skipped.
    package var nonFinite = NonFiniteSteps()
    private let options: PolicyGradientOptions
    private let algorithm: PolicyGradientParts
    private let stage: String
    private let note: (String) throws -> Void
    private let learners: Communicator
    private let tracer: Tracer
    private let seed: UInt64
    /// Updates of a step, where none is left out.
    private let plannedUpdates: Int

    /// - Parameters:
    ///   - reference: The reference, where it moves.
    ///   - totalSteps: Steps of the whole stage.
    ///   - seed: The seed of the stage.
    ///   - stage: The name of the stage, for messages.
    ///   - note: Is told of updates that are skipped.
    package init(
        policy: DecoderModel, reference: DecoderModel? = nil, critic: DecoderModel?, _ options: PolicyGradientOptions,
        _ algorithm: PolicyGradientParts = .chosen,
        totalSteps: Int, learners: Communicator, seed: UInt64, tracer: Tracer = Tracer(), stage: String = "ppo",
        note: @escaping (String) throws -> Void = { _ in }
    ) {
        self.stage = stage
        self.note = note
        self.policy = policy
        (self.reference, self.critic) = (reference, critic)
        (self.options, self.algorithm) = (options, algorithm)
        self.learners = learners
        self.tracer = tracer
        self.seed = seed
        policy.recomputesActivations = options.gradientCheckpointing
        critic?.recomputesActivations = options.gradientCheckpointing
        plannedUpdates = options.rollouts.numPPOEpochs * options.rollouts.numMiniBatches
        let updates = Int(min(0x1p53, Double(totalSteps) * Double(plannedUpdates)))
        let turns = BackwardTurns(over: learners, tracer: tracer)
        policyUpdater = ParameterUpdater(
            policy.parameters, options.optimizer, totalSteps: updates, communicator: learners, turns: turns,
            tracer: tracer)
        criticUpdater = critic.map { critic in
            ParameterUpdater(
                critic.parameters, options.optimizer, learningRate: options.criticLearningRate, totalSteps: updates,
                communicator: learners, turns: turns, tracer: tracer)
        }
        let rule = options.shaping.klTarget.map {
            KLController.Rule.adaptive(target: $0, horizon: Double(options.shaping.klHorizon))
        }
        controller = KLController(options.shaping.klCoef, rule: rule ?? .fixed)
        scores = options.shaping.scaleReward == .running ? RunningDeviation() : nil
    }

    /// What the critic is called.
    package static let critic = "critic"

    package var trainees: [Trainee] {
        let others = critic.flatMap { critic in criticUpdater.map { Trainee(Self.critic, critic, $0) } }
        return [Trainee(Trainee.policy, policy, policyUpdater)] + (others.map { [$0] } ?? [])
    }

    package var moving: [(name: String, model: DecoderModel)] { reference.map { [(ReferenceSync.part, $0)] } ?? [] }

    package func state(step: Int, metrics: MetricsState) -> TrainerState {
        var state = TrainerState(step: step, metrics: metrics, controller: controller, nonFinite: nonFinite)
        state.scores = scores
        return state
    }

    package func restore(_ state: TrainerState) {
        if let saved = state.controller { controller = controller.resumed(at: saved) }
        if scores != nil, let saved = state.scores { scores = saved }
        nonFinite = state.nonFinite
    }

    package func learn(step: Int, from batch: RolloutBatch) throws -> MetricValues {
        let (rollouts, schedule, kl) = try prepare(step: step, batch)
        let mismatch = kl.report["sampling/sampling_logp_difference/mean"] ?? 0
        if let bound = options.loss.maxSamplingLogpDifference, mismatch > bound {
            throw RunError.samplersDiffer(
                stage: stage, step: step + 1, difference: mismatch, bound: bound, teller: learners.worldRanks[0])
        }
        let counts = try tracer.collective(over: learners) {
            try schedule.counts(
                responses: { !rollouts[$0].isLeftOut }, tokens: { options.loss.countsTokens(of: rollouts[$0]) }
            ).map { try $0.reduced(over: learners) }
        }
        var (policySums, valueSums) = (PolicyMetrics(), ValueMetrics())
        var routing = policy.specification.expertCount.map { RouterLoad(experts: $0) }
        var norms: [ParameterUpdater.Update] = []
        var planned = plannedUpdates * step
        updates: for (epoch, miniBatches) in schedule.epochs.enumerated() {
            // In a step with fewer responses than mini-batches some are empty on all learners: an update would be made of
            // momentum and weight decay alone.
            for (number, microBatches) in miniBatches.enumerated() where counts[epoch][number].tokens > 0 {
                planned = plannedUpdates * step + options.rollouts.numMiniBatches * epoch + number
                let losses = MiniBatchLosses(
                    policy: policy, critic: critic, options, algorithm, rollouts,
                    of: counts[epoch][number])
                var policyPending: [PendingMetrics<PolicyMetrics>] = []
                var valuePending: [PendingMetrics<ValueMetrics>] = []
                let slopes = try routerSlopes(microBatches)
                for microBatch in microBatches {
                    let (term, load) = try policy.watchingRouters(adding: slopes) {
                        try backpropagate(policyUpdater) { losses.policyTerm(microBatch) }
                    }
                    policyPending.append(term)
                    if let load { routing = routing.map { $0 + load } }
                    if let valueTerm = losses.valueTerm, let criticUpdater {
                        let term = try backpropagate(criticUpdater, weight: options.loss.vfCoef) {
                            valueTerm(microBatch)
                        }
                        valuePending.append(term)
                    }
                }
                // One for both models: they take turns.
                try policyUpdater.finishBackward()
                let policyPart = try PolicyMetrics.gathered(policyPending).reduced(over: learners)
                let valuePart = try ValueMetrics.gathered(valuePending).reduced(over: learners)
                guard let update = try update(policyPart, valuePart, at: planned) else {
                    let search = NonFiniteSearch(updaters: updaters, communicator: learners)
                    let cause = try search.cause(
                        in: microBatches, examples: "responses",
                        losses: { batch in
                            [{ losses.policyTerm(batch).value }]
                                + (losses.valueTerm.map { term in [{ term(batch).value }] } ?? [])
                        },
                        name: { String(rollouts[$0].stepIndex) })
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
        if counts.allSatisfy({ $0.allSatisfy { $0.tokens == 0 } }) {
            try note("step \(step + 1) makes no update: \(options.reasonForNoToken)")
        }
        var metrics = kl.values
        if kl.compared > 0 { metrics["objective/kl_coef"] = controller.coefficient }
        if let scores { metrics["objective/running_std"] = scores.scale }
        metrics.merge(try rewardMeans(batch.rollouts, of: batch.total))
        metrics.merge(policySums.values)
        metrics.merge(valueSums.values)
        if let routing = try routing?.reduced(over: learners) { metrics.merge(routing.metrics) }
        if !norms.isEmpty {
            metrics["grad_norm"] = norms.map(\.gradientNorm).reduce(0, +) / Double(norms.count)
        }
        metrics["lr"] = policyUpdater.schedule.rate(at: planned)
        if nonFinite.total > 0 { metrics["non_finite_steps"] = Double(nonFinite.total) }
        let divergence = kl.report["objective/kl"] ?? .nan
        if divergence.isFinite { controller.update(kl: divergence, responses: batch.total) }
        if let reference { options.referenceSync.follow(policy, with: reference, afterStep: step + 1) }
        return metrics.renamed(algorithm.metricNames)
    }

    /// Adds a loss's gradients, times `weight`. The graph of its forward pass is gone when this returns, so that a rank never
    /// holds those of policy and critic together.
    private func backpropagate<Metrics>(
        _ updater: ParameterUpdater, weight: Double? = nil, _ loss: () -> LossTerm<Metrics>
    ) throws -> PendingMetrics<Metrics> {
        let term = tracer.measure(.forward, loss)
        try updater.backward(weight.map { term.value * $0 } ?? term.value)
        return term.pending
    }

    /// What the load-balancing loss of the policy's routers adds to the gradient of each expert's probability in one update, whose
    /// rows a pass without gradient tells; `nil` where there is no such loss.
    private func routerSlopes(_ microBatches: [ResponseBatch]) throws -> [Double]? {
        let coefficient = options.routerAuxLoss.coefficient
        guard coefficient > 0 else { return nil }
        let load = tracer.measure(.forward) { policy.routerLoad(of: microBatches) }
        return try load?.reduced(over: learners).slopes.map { $0 * coefficient }
    }

    /// Those of policy and critic.
    private var updaters: [ParameterUpdater] { [policyUpdater] + (criticUpdater.map { [$0] } ?? []) }

    /// Updates all models, or none where a loss or gradient is not finite: `nil`, with gradients cleared.
    private func update(
        _ policy: PolicyMetrics, _ value: ValueMetrics, at planned: Int
    ) throws -> ParameterUpdater.Update? {
        // Reduced figures and norms are the same on all learners, so all take the same way.
        let losses = [policy.report["loss/policy_avg"], value.report["loss/value_avg"]].compactMap(\.self)
        if losses.allSatisfy(\.isFinite) {
            let norm = try policyUpdater.reduceGradients()
            let criticNorm = try criticUpdater?.reduceGradients()
            if norm.isFinite, criticNorm?.isFinite ?? true {
                if let criticNorm { _ = try criticUpdater?.update(norm: criticNorm, at: planned) }
                return try policyUpdater.update(norm: norm, at: planned)
            }
        }
        for updater in updaters { updater.clearGradients() }
        return nil
    }

    /// A step's responses with what is known of them before the first update: old log-probabilities, values, advantages and
    /// returns.
    package func prepared(step: Int, _ batch: RolloutBatch) throws -> [Rollout] {
        try prepare(step: step, batch).rollouts
    }

    private func prepare(
        step: Int, _ batch: RolloutBatch
    ) throws -> (rollouts: [Rollout], schedule: MiniBatchSchedule, metrics: RolloutMetrics) {
        var rollouts = batch.rollouts
        let schedule = MiniBatchSchedule(
            rollouts, total: batch.total, epochs: options.rollouts.numPPOEpochs,
            miniBatches: options.rollouts.numMiniBatches, maxTokens: options.maxTokensPerMicroBatch,
            seed: seed, step: step)
        tracer.measure(.forward) { recordOldPolicy(&rollouts, in: schedule.epochs[0].flatMap(\.self)) }
        try tracer.wait(for: learners)
        let metrics = try shape(&rollouts)
        return (rollouts, schedule, metrics)
    }

    /// Log-probabilities and values before the first update, on the very micro-batches that it will be made on: the first
    /// ratio is then exactly 1.
    private func recordOldPolicy(_ rollouts: inout [Rollout], in microBatches: [ResponseBatch]) {
        withoutGradients {
            for batch in microBatches {
                var logps = policy.responseLogps(batch, temperature: options.sampling.temperature).logps.doubles()[...]
                var values = critic?.scores(batch.rows, at: batch.predictions.rows).doubles()[...] ?? []
                for index in batch.indices {
                    let count = rollouts[index].response.count
                    rollouts[index].oldLogps = Array(logps.prefix(count))
                    rollouts[index].values = Array(values.prefix(count))
                    logps = logps.dropFirst(count)
                    values = values.dropFirst(count)
                }
            }
        }
    }

    /// Rewards, advantages and returns of every response; whitening is over all learners.
    private func shape(_ rollouts: inout [Rollout]) throws -> RolloutMetrics {
        let shaping = options.shaping
        let tokenReward = algorithm.tokenReward(options)
        try scores?.add(Moments(rollouts.lazy.map(\.score)).reduced(over: learners))
        let scale = scores?.scale ?? 1
        var metrics = RolloutMetrics()
        let finalScores = rollouts.map { tokenReward.finalScore($0.score / scale, endsWithEOS: $0.isFinished) }
        let penalised = ScoreShaping(missingEOSPenalty: shaping.missingEOSPenalty ?? 0)
        let told = rollouts.map { penalised.final($0.score, endsWithEOS: $0.isFinished) }
        var rewards = rollouts.indices.map { index in
            let (rollout, finalScore) = (rollouts[index], finalScores[index])
            let rewards = tokenReward.rewards(
                score: rollout.score / scale, endsWithEOS: rollout.isFinished, logps: rollout.oldLogps,
                // Where no reference is read there is no penalty.
                referenceLogps: rollout.referenceLogps.isEmpty
                    ? rollout.oldLogps : rollout.referenceLogps.map(Double.init),
                coefficient: controller.coefficient)
            metrics.add(rollout, score: told[index], rewards: rewards, finalScore: finalScore)
            return rewards
        }
        if shaping.whitenRewards { rewards = try whiten(rewards, Whitening(shiftsMean: false)) }
        let estimator = algorithm.advantage(options)
        let groups = rollouts.map { $0.stepIndex / options.rollouts.nSamplesPerPrompt }
        let membersOfGroups = Dictionary(grouping: groups.indices) { groups[$0] }.sorted { $0.key < $1.key }.map(
            \.value)
        for members in membersOfGroups {
            // A rest of rounding is no difference.
            let isEqual = members.allSatisfy { finalScores[$0] == finalScores[members[0]] }
            if estimator.keepsGroups {
                metrics.add(group: Moments(members.map { told[$0] }), isEqual: isEqual)
            }
            guard options.rollouts.equalGroups != .keep, isEqual else { continue }
            for index in members { rollouts[index].isLeftOut = true }
        }
        let estimates = try estimator(
            RewardedResponses(
                rewards: rewards, values: rollouts.map(\.values), groups: groups,
                isLeftOut: rollouts.map(\.isLeftOut)
            ) { [learners] in try $0.reduced(over: learners) })
        var advantages = estimates.map(\.advantages)
        if shaping.whitenAdvantages { advantages = try whiten(advantages, Whitening()) }
        for index in rollouts.indices {
            rollouts[index].advantages = advantages[index]
            rollouts[index].returns = estimates[index].returns
        }
        return try metrics.reduced(over: learners)
    }

    /// The mean of each reward where there are several, by its name.
    private func rewardMeans(_ rollouts: [Rollout], of total: Int) throws -> MetricValues {
        let sums = options.rewards.sums(over: rollouts)
        guard !sums.isEmpty else { return [:] }
        var means = MetricValues()
        for (part, sum) in zip(sums, try learners.allReduce(sums.map(\.sum), .sum)) {
            means[part.metric] = sum / Double(max(1, total))
        }
        return means
    }

    private func whiten(_ values: [[Double]], _ whitening: Whitening) throws -> [[Double]] {
        let moments = try Moments(values.lazy.joined()).reduced(over: learners)
        return values.map { whitening($0, moments: moments) }
    }
}
