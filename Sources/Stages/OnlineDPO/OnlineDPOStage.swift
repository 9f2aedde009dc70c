import Configuration
import Objectives
import PreferenceData
import Runs
import Training
import Transformers

/// Preference losses on pairs that the policy draws itself and that a reward, or the policy, labels (online DPO, arXiv
/// 2402.04792; SAIL, arXiv 2406.15567), or on demonstrations before what it draws (SPIN, arXiv 2401.01335; IRFT, arXiv
/// 2405.17888; with pairs of preference AIHF, arXiv 2406.06874).
package struct OnlineDPOStage: Stage {
    package static let type = "online_dpo"
    package static let leaves: StageOutput? = .policy
    package static let keyMetrics = [
        "objective/scores", "loss", "rewards/margins", "objective/kl", "completions/mean_length",
    ]

    package var options = OnlineDPOOptions()

    package init() {}

    /// The keys, `prompts` with what its rows have to have beside a prompt.
    package var fields: [Field<OnlineDPOOptions>] {
        options.fields.map { field in
            guard field.key == "prompts", var role = field.role as? InputRole else { return field }
            role.kind = .rows(options.rowKind)
            var field = field
            field.role = role
            return field
        }
    }

    package mutating func resolve(in scope: StageScope) throws {
        try options.adapter.inherit(scope, drops: false)
        if !scope.given.contains("init") { options.initial = try scope.policy(from: [SFTStage.type], for: "init") }
        if !scope.given.contains("prompts") {
            options.prompts = try scope.rows(
                from: [(SplitStage.type, "difficult"), (SampleStage.type, nil)], for: "prompts")
        }
        if !scope.given.contains("save_steps") { options.saveSteps = scope.run.saveSteps }
        options.prompt.inherit(scope)
        try options.resolve(in: scope)
        try options.judging.resolve(
            scope, asked: options.rewards.asksJudge || options.rewardUpdate.gold?.isJudge ?? false,
            modes: options.judgeModes)
        try scope.checkInputs(of: self)
        try options.optimizer.check(scope)
        try options.rollouts.resolve(scope, data: options.prompts, .groups)
        guard options.sampling.temperature > 0 else {
            throw scope.error("temperature", "0 draws a prompt's responses all alike", "write 0.9 or 1.0")
        }
        try options.sampling.checkVariety(scope, samples: options.rollouts.nSamplesPerPrompt)
        options.placement.inherit(scope)
        options.compute.inherit(scope)
    }

    package func check(at start: StageStart) throws {
        try start.check(options.routerAuxLoss, of: options.initial)
        try start.checkRewards(options.rewards, ofPrompts: options.prompts)
        if let gold = options.rewardUpdate.gold {
            try start.checkReward(gold, for: "reward_update.gold", ofPrompts: options.prompts)
        }
        try start.checkStop(options.sampling.stopToken)
        try OnlinePlacement.check(options.placement, at: start)
    }

    package var compute: ComputeOptions? { options.compute }
    package var judging: JudgeOptions? { options.judging }
    package var adapter: AdapterOptions? { options.adapter }
    package func limits() throws -> LengthLimits {
        try options.rowKind == .prompts ? options.prompt.limits() : options.lengths.limits()
    }
    package var longestSequence: (length: Int, key: String) {
        (options.prompt.maxPromptLength + options.sampling.responseLength, "response_length")
    }

    package func roles(workers: Int) -> StageRoles {
        let placement = OnlinePlacement(options.placement, workerCount: workers)
        return StageRoles(learners: placement.learners, samplers: placement.rollouts)
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) -> any StageCoordinator {
        let placement = OnlinePlacement(options.placement, workerCount: workers)
        return RolloutRouter(learners: placement.learners, samplers: placement.rollouts.count, .whole)
    }

    package func run(on context: StageContext) throws {
        let (prompts, given) = try read(context)
        let order = try DataOrder(
            count: prompts.examples.count, batchSize: options.rollouts.rolloutBatchSize, seed: context.seed,
            shuffles: options.rollouts.shuffle)
        let mixture = PromptMixture(order.batches, share: options.generatedShare, seed: context.seed)
        let steps = options.rollouts.steps(in: order)
        if let repeated = options.compared.repeated { try context.note("reference \(repeated) is listed twice") }
        var settings = OnlineWorker.Settings(
            options.rollouts, options.placement, saveSteps: options.saveSteps, division: .whole,
            timing: "timing/online_dpo_train",
            warmupNote: options.optimizer.warmupNote(steps: options.updates(ofSteps: steps), "updates"))
        let update = options.rewardUpdate
        if update.gold != nil { settings.scorer = (RewardLearner.name, update.steps) }
        var taught: DecoderModel?
        let worker = try OnlineWorker(context, settings, order) { learners in
            let training = learners == nil ? ModelStore.Training.elsewhere : .here
            if let reward = options.taughtReward {
                taught = try context.trained(reward, .score, training, part: RewardLearner.name)
            }
            return try context.trained(
                options.initial, .languageModel, training, storage: options.optimizer.storage(over: learners))
        } learner: { policy, learners in
            let reward = try taught.map { model in
                let asks = learners.rank == 0
                return RewardLearner(
                    model, update, maxTokens: options.maxTokensPerMicroBatch,
                    gold: try (asks ? update.gold : nil).map {
                        try context.scorer($0, maxTokens: options.maxTokensPerMicroBatch, isLeft: false)
                    },
                    records: prompts.records, learners: learners, in: context)
            }
            return PreferenceLearner(
                policy: policy,
                references: try options.compared.frozen.map {
                    options.referenceSync.isOn
                        ? try context.trained($0, .languageModel, .elsewhere, part: ReferenceSync.part)
                        : try context.models.load($0, head: .languageModel, training: .none, seed: context.seed)
                },
                options, totalSteps: steps, mixture, given: given, reward: reward, learners: learners, in: context)
        } sampler: { policy, number, count in
            var settings = RolloutSampler.Settings(
                samples: options.rollouts.nSamplesPerPrompt, options.sampling,
                maxTokens: options.maxTokensPerMicroBatch, resamples: options.rollouts.resamples)
            let shaping = options.scoreShaping
            settings.finalScore = { shaping.final($0.score, endsWithEOS: $0.isFinished) }
            return RolloutSampler(
                context, settings, prompts, in: mixture.drawn(atStep:), policy: policy,
                scorer: try scorer(taught, context), scoringModel: taught,
                number: number, of: count)
        }
        try worker.run()
    }

    /// What scores: the reward, or the model of it that is taught in the loop.
    private func scorer(_ taught: DecoderModel?, _ context: StageContext) throws -> (any Scorer)? {
        let maxTokens = options.maxTokensPerMicroBatch
        guard let taught, let reward = options.taughtReward else {
            return try context.scorer(
                options.rewards, maxTokens: maxTokens, groupSize: options.rollouts.nSamplesPerPrompt)
        }
        let statistics = try RewardStatistics.read(from: context.models.directory(of: reward))
        return ModelScorer(
            taught, named: reward.description, maxTokens: maxTokens, offset: statistics?.offset ?? 0)
    }

    /// The prompts, and what the data itself has for them.
    private func read(
        _ context: StageContext
    ) throws -> (prompts: DataStore.Loaded<Prompt, TokenizedPrompt>, given: GivenAnswers) {
        guard options.labels != .demonstrations else { return try readDemonstrations(context) }
        let prompts = try context.data.prompts(
            options.prompts, options.prompt,
            keepsRecords: options.rewards.readsRecords || options.rewardUpdate.gold?.readsRecords ?? false)
        try context.note(prompts.summary)
        guard options.readsPairs else { return (prompts, GivenAnswers()) }
        let data = try context.data.pairs(options.prompts, options.lengths)
        try context.note(data.summary)
        return (prompts, GivenAnswers(data.examples, for: prompts.examples))
    }

    /// Prompts with a demonstration: completions, or the chosen responses of pairs that are learned from, too.
    private func readDemonstrations(
        _ context: StageContext
    ) throws -> (prompts: DataStore.Loaded<Prompt, TokenizedPrompt>, given: GivenAnswers) {
        guard options.readsPairs else {
            let data = try context.data.completions(options.prompts, options.lengths)
            try context.note(data.summary)
            var given = GivenAnswers()
            given.demonstrations = Dictionary(uniqueKeysWithValues: data.examples.map { ($0.index, $0.completion) })
            return (data.prompts, given)
        }
        let data = try context.data.pairs(options.prompts, options.lengths)
        try context.note(data.summary)
        var given = GivenAnswers(data.examples, for: data.prompts.examples)
        given.demonstrations = Dictionary(uniqueKeysWithValues: data.examples.map { ($0.index, $0.chosen) })
        return (data.prompts, given)
    }
}
