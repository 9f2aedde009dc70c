import Foundation
import MPI
import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// A learner of preference pairs that the policy draws itself.
///
/// Every learner has all responses of a step, makes the same pairs of them, and takes its share of each update's, as in an
/// offline stage; so the result does not depend on how many learners there are.
package final class PreferenceLearner: OnlineLearner {
    private let policy: DecoderModel
    private let references: [DecoderModel]
    private let options: OnlineDPOOptions
    private let loss: PreferenceLoss
    private let updater: ParameterUpdater
    private let context: StageContext
    private let learners: Communicator
    private let mixture: PromptMixture
    /// The data's own pairs and demonstrations.
    private let given: GivenAnswers
    /// What teaches the reward model, where it keeps up.
    private let reward: RewardLearner?
    private var nonFinite = NonFiniteSteps()
    /// What the loss carries from update to update.
    private var lossState: [Double]?

    /// - Parameters:
    ///   - totalSteps: Steps of the whole stage.
    ///   - given: The data's own pairs and demonstrations, where they are learned from.
    ///   - reward: What teaches the reward model, where it keeps up.
    package init(
        policy: DecoderModel, references: [DecoderModel], _ options: OnlineDPOOptions, totalSteps: Int,
        _ mixture: PromptMixture, given: GivenAnswers, reward: RewardLearner?, learners: Communicator,
        in context: StageContext
    ) {
        (self.policy, self.references, self.options) = (policy, references, options)
        (self.mixture, self.given, self.learners, self.context) = (mixture, given, learners, context)
        (loss, self.reward) = (options.loss, reward)
        policy.recomputesActivations = options.gradientCheckpointing
        updater = ParameterUpdater(
            policy.parameters, options.optimizer, totalSteps: options.updates(ofSteps: totalSteps),
            communicator: learners, tracer: context.tracer)
        lossState = loss.initialState.isEmpty ? nil : loss.initialState
    }

    package var trainees: [Trainee] {
        [Trainee(Trainee.policy, policy, updater)] + (reward.map { [$0.trainee] } ?? [])
    }

    package var moving: [(name: String, model: DecoderModel)] {
        options.referenceSync.isOn ? references.map { (ReferenceSync.part, $0) } : []
    }

    package func write(to checkpoint: URL) throws { try reward?.write(to: checkpoint) }
    package func restore(from checkpoint: URL) throws { try reward?.restore(from: checkpoint) }

    package func state(step: Int, metrics: MetricsState) -> TrainerState {
        var state = TrainerState(step: step, metrics: metrics, nonFinite: nonFinite)
        state.lossState = lossState
        return state
    }

    package func restore(_ state: TrainerState) {
        (nonFinite, lossState) = (state.nonFinite, state.lossState ?? lossState)
    }

    package func learn(step: Int, from batch: RolloutBatch) throws -> MetricValues {
        var sampled = SampledPairs(
            RolloutBatch.groups(of: batch.rollouts),
            given: mixture.given(atStep: step).compactMap { given.pairs[$0] }, demonstrations: given.demonstrations,
            options)
        var metrics = batch.rollouts.figures(options.scoreShaping)
        if options.rewards.sources.isEmpty { metrics["objective/scores"] = nil }
        for (metric, sum) in options.rewards.sums(over: batch.rollouts) {
            metrics[metric] = sum / Double(max(1, batch.rollouts.count))
        }
        metrics["pairs"] = Double(sampled.pairs.count)
        if !sampled.gaps.isEmpty {
            metrics["objective/scores_margin"] = sampled.gaps.reduce(0, +) / Double(sampled.gaps.count)
        }
        if sampled.asksPolicy {
            sampled.drawLabels(margins: try margins(of: sampled.pairs), seed: context.seed, step: step)
        }
        let tables = try references.enumerated().map { number, model in
            try table(of: sampled.pairs, under: model, named: options.compared.frozen[number].description)
        }
        let pass = OfflinePass(
            model: policy,
            objective: DPOObjective(loss: loss, references: tables, origins: { sampled.origins[$0] }) { [context] in
                context.text.tokenizer.token(of: $0) ?? ""
            },
            workers: learners, maxTokens: options.maxTokensPerMicroBatch,
            routerAuxLossCoef: options.routerAuxLoss.coefficient, tracer: context.tracer)
        let update = OfflineUpdate(
            pass, updater, stage: context.stage.name, onNonFinite: options.optimizer.onNonFinite, note: context.note)
        var updates: [MetricValues] = []
        for (number, batch) in batches(of: sampled.pairs, step: step) where !batch.isEmpty {
            updates.append(
                try update.make(
                    step, at: options.updates(ofSteps: step) + number, epoch: step, batch, state: &lossState,
                    nonFinite: &nonFinite))
        }
        if updates.isEmpty {
            try context.note("step \(step + 1) makes no update: \(options.reasonForNoPair)")
            metrics["learning_rate"] = updater.schedule.rate(at: options.updates(ofSteps: step))
        }
        metrics.merge(MetricValues(meansOf: updates))
        if nonFinite.total > 0 { metrics["non_finite_steps"] = Double(nonFinite.total) }
        if loss.needs.references == 1, !options.readsPairs, !updates.isEmpty, let chosen = metrics["rewards/chosen"],
            let rejected = metrics["rewards/rejected"]
        {
            // Of what the policy draws.
            let drawn = options.labels == .demonstrations ? rejected : (chosen + rejected) / 2
            metrics["objective/kl"] = drawn / loss.beta
        }
        for reference in references { options.referenceSync.follow(policy, with: reference, afterStep: step + 1) }
        if let reward {
            metrics.merge(try reward.learn(step: step, sampled.rollouts, nonFinite: &nonFinite))
        }
        return metrics
    }

    /// The pairs of each update of a step.
    private func batches(of pairs: [TokenizedPair], step: Int) -> [(number: Int, pairs: [TokenizedPair])] {
        let (passes, miniBatches) = (options.rollouts.numPPOEpochs, options.rollouts.numMiniBatches)
        return (0..<passes * miniBatches).map { number in
            guard miniBatches > 1 else { return (number, pairs) }
            let (epoch, mini) = number.quotientAndRemainder(dividingBy: miniBatches)
            let order = permutation(count: pairs.count, seed: context.seed &+ UInt64(step), epoch: epoch)
            let members = order[mini * pairs.count / miniBatches..<(mini + 1) * pairs.count / miniBatches]
            return (number, members.sorted().map { pairs[$0] })
        }
    }

    /// How much higher the implicit reward of each pair's first response is, under policy and reference.
    private func margins(of pairs: [TokenizedPair]) throws -> [Double] {
        let policy = try table(of: pairs, under: policy, named: "policy of \(context.stage.name)", columns: [])
        let reference = try references.first.map { try table(of: pairs, under: $0, named: "", columns: []) }
        return pairs.map { pair in
            let (own, frozen) = (policy.sums(of: pair.index), reference?.sums(of: pair.index))
            let ratios = own.chosen - own.rejected - (frozen.map { $0.chosen - $0.rejected } ?? 0)
            return loss.beta * ratios
        }
    }

    /// What a model says of the pairs: each learner asks it of a share.
    private func table(
        of pairs: [TokenizedPair], under model: DecoderModel, named name: String, columns: ReferenceColumns? = nil
    ) throws -> ReferencePair {
        let columns = columns ?? ReferenceColumns(loss.needs)
        let pass = ReferencePass(over: learners, maxTokens: options.maxTokensPerMicroBatch, named: name) {
            ReferenceRow.rows(of: $0, under: model, columns)
        }
        let rows = try context.tracer.measure(.forward) { try pass.rows(of: pairs) }
        return ReferencePair(training: try ReferenceTable(rows, of: pairs, columns))
    }
}

extension OnlineDPOOptions {
    /// Why a step's responses may make no pair.
    fileprivate var reasonForNoPair: String {
        switch (labels, pairRule) {
        case (.demonstrations, _): "every response is its demonstration"
        case (.policy, _): "all responses to a prompt are the same"
        case (.reward, .confident):
            "no best and worst response to a prompt are confidence: \(HumanFormat.metric(confidence)) apart"
        case (.reward, _): "no two responses to a prompt differ in score"
        }
    }

    /// Updates that so many steps plan.
    package func updates(ofSteps steps: Int) -> Int {
        Int(min(0x1p53, Double(steps) * Double(rollouts.numPPOEpochs) * Double(rollouts.numMiniBatches)))
    }
}

extension [Rollout] {
    /// Figures of a whole step's responses, by TRL's names.
    fileprivate func figures(_ shaping: ScoreShaping) -> MetricValues {
        var figures = RolloutMetrics()
        for rollout in self {
            let score = shaping.final(rollout.score, endsWithEOS: rollout.isFinished)
            figures.add(rollout, score: score, rewards: [], finalScore: 0)
        }
        return figures.values.filter { name in
            name == "objective/scores" || name.hasPrefix("completions/") || name == "val/num_eos_tokens"
        }
    }
}
