import Configuration
import PreferenceData
import Runs
import Training
import Transformers

/// A stage that draws responses of a policy, has them rewarded, and improves the policy by them.
package struct PolicyGradientStage<Recipe: PolicyGradientRecipe>: Stage {
    package static var type: String { Recipe.type }
    package static var leaves: StageOutput? { .policy }
    package static var keyMetrics: [String] { Recipe.keyMetrics }

    package var options = Recipe.options
    /// What its updates are made of.
    private let parts: PolicyGradientParts

    package init(_ parts: PolicyGradientParts = Recipe.parts) { self.parts = parts }

    /// Whether a critic is made, saved and planned.
    package var needsCritic: Bool { parts.advantage(options).needsCritic }

    /// The keys of the recipe, those of the critic only where there may be one.
    package var fields: [Field<PolicyGradientOptions>] {
        parts.advantage(Recipe.options).needsCritic
            ? Recipe.fields : Recipe.fields.filter { !PolicyGradientOptions.criticKeys.contains($0.key) }
    }

    package mutating func resolve(in scope: StageScope) throws {
        let given = scope.given
        if !given.contains("init") {
            options.initial = try scope.policy(from: [DPOStage.type, SFTStage.type], for: "init")
        }
        if !given.contains("reward") {
            options.rewards.sources = [try scope.reward(from: RewardStage.type, for: "reward")]
        }
        if !given.contains("prompts") {
            options.prompts = try scope.rows(
                from: [(SplitStage.type, "difficult"), (SampleStage.type, nil)], for: "prompts")
        }
        if !given.contains("critic_learning_rate") { options.criticLearningRate = options.optimizer.learningRate }
        if !given.contains("save_steps") { options.saveSteps = scope.run.saveSteps }
        options.prompt.inherit(scope)
        try Recipe.resolve(&options, in: scope)
        try resolveReference(scope)
        try options.adapter.inherit(scope, drops: false)
        try options.referenceSync.check(scope, reads: options.reference == nil ? 0 : 1, options.adapter)
        try resolveCritic(scope)
        try options.judging.resolve(scope, asked: options.rewards.asksJudge)
        try scope.checkInputs(of: self)
        try options.rewards.check(scope)
        try options.optimizer.check(scope)
        try options.rollouts.resolve(scope, data: options.prompts, Recipe.keys)
        try options.shaping.check(scope, responses: options.responsesPerStep)
        let weightKeys = ["importance_sampling_mode", "importance_sampling_cap"]
        if options.rollouts.maxStaleness == 0,
            let key = weightKeys.first(where: { options.changes($0, of: Recipe.self) })
        {
            throw scope.error(
                key, "has no meaning where max_staleness is 0: no token is of an older policy",
                "write max_staleness: 1, or leave it out")
        }
        guard options.sampling.temperature > 0 else {
            throw scope.error("temperature", "0 leaves nothing to explore", "write 0.7 or 1.0")
        }
        try options.sampling.checkVariety(scope, samples: options.rollouts.nSamplesPerPrompt)
        if options.loss.masksTruncated, options.sampling.stopToken == .none {
            throw scope.error(
                "mask_truncated_completions", "leaves no response where stop_token is none: none has an end",
                "give stop_token, or leave it out")
        }
        if options.shaping.missingEOSPenalty != nil, options.sampling.stopToken == .none {
            throw scope.error(
                "missing_eos_penalty", "is taken off every score where stop_token is none: no response has an end",
                "give stop_token, or leave it out")
        }
        options.placement.inherit(scope)
        options.compute.inherit(scope)
    }

    private mutating func resolveReference(_ scope: StageScope) throws {
        guard Recipe.needsReference(options) else {
            guard options.reference == nil else {
                throw scope.error(
                    "reference", "is not read where beta is 0", "give beta, such as 0.04, or leave reference out")
            }
            return
        }
        options.reference = options.reference ?? options.initial
    }

    private mutating func resolveCritic(_ scope: StageScope) throws {
        guard !needsCritic else {
            options.criticInitial =
                options.criticInitial ?? options.rewards.model ?? options.initial
            return
        }
        let keys = PolicyGradientOptions.criticKeys
        guard let key = fields.map(\.key).first(where: { keys.contains($0) && options.changes($0, of: Recipe.self) })
        else { return }
        throw scope.error(
            key, "is of a critic, and advantage \(options.shaping.advantageChoice.rawValue) has none",
            "leave it out, or use advantage: gae")
    }

    package func check(at start: StageStart) throws {
        try start.check(options.routerAuxLoss, of: options.initial)
        try start.checkRewards(options.rewards, ofPrompts: options.prompts)
        try start.checkStop(options.sampling.stopToken)
        try OnlinePlacement.check(options.placement, at: start)
    }

    package var compute: ComputeOptions? { options.compute }
    package var judging: JudgeOptions? { options.judging }
    package var adapter: AdapterOptions? { options.adapter }
    package func limits() throws -> LengthLimits { try options.prompt.limits() }
    package var longestSequence: (length: Int, key: String) {
        (options.prompt.maxPromptLength + options.sampling.responseLength, "response_length")
    }

    package func roles(workers: Int) -> StageRoles {
        let placement = OnlinePlacement(options.placement, workerCount: workers)
        return StageRoles(learners: placement.learners, samplers: placement.rollouts)
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) -> any StageCoordinator {
        let placement = OnlinePlacement(options.placement, workerCount: workers)
        return RolloutRouter(learners: placement.learners, samplers: placement.rollouts.count, division)
    }

    package func run(on context: StageContext) throws {
        let prompts = try context.data.prompts(
            options.prompts, options.prompt, keepsRecords: options.rewards.readsRecords)
        try context.note(prompts.summary)
        let order = try DataOrder(
            count: prompts.examples.count, batchSize: options.rollouts.rolloutBatchSize, seed: context.seed,
            shuffles: options.rollouts.shuffle)
        let model = try context.models.configuration(of: options.initial)
        for line in options.warnings(order, vocabularySize: model.vocabularySize) { try context.note(line) }
        let updates = options.rollouts.numPPOEpochs * options.rollouts.numMiniBatches
        let steps = options.rollouts.steps(in: order)
        let settings = OnlineWorker.Settings(
            options.rollouts, options.placement, saveSteps: options.saveSteps, division: division,
            timing: "timing/ppo_train",
            warmupNote: options.optimizer.warmupNote(steps: steps * updates, "updates"))
        var reference: DecoderModel?
        let worker = try OnlineWorker(context, settings, order) {
            try context.trained(
                options.initial, .languageModel, $0 == nil ? .elsewhere : .here,
                storage: options.optimizer.storage(over: $0))
        } learner: { policy, learners in
            // One that moves is kept in checkpoints, by a learner.
            if options.referenceSync.isOn { reference = try frozenReference(context) }
            return PolicyLearner(
                policy: policy, reference: reference,
                critic: try options.criticInitial.map {
                    try context.trained(
                        $0, .score, .here, storage: options.optimizer.storage(over: learners),
                        part: PolicyLearner.critic)
                },
                options, parts, totalSteps: steps, learners: learners, seed: context.seed, tracer: context.tracer,
                stage: context.stage.name, note: context.note)
        } sampler: { policy, number, count in
            var settings = RolloutSampler.Settings(
                samples: options.rollouts.nSamplesPerPrompt, options.sampling,
                reference: options.reference?.description ?? "", maxTokens: options.maxTokensPerMicroBatch,
                resamples: options.rollouts.resamples)
            settings.referenceSync = options.referenceSync
            let tokenReward = parts.tokenReward(options)
            settings.finalScore = { tokenReward.finalScore($0.score, endsWithEOS: $0.isFinished) }
            return RolloutSampler(
                context, settings, prompts, in: order.batches.batch(atStep:), policy: policy,
                reference: try reference ?? frozenReference(context),
                scorer: try context.scorer(options.rewards, maxTokens: options.maxTokensPerMicroBatch),
                number: number, of: count)
        }
        try worker.run()
    }

    /// The frozen policy, where one is read: from the stage's checkpoint if it moves.
    private func frozenReference(_ context: StageContext) throws -> DecoderModel? {
        try options.reference.map { reference in
            options.referenceSync.isOn
                ? try context.trained(reference, .languageModel, .elsewhere, part: ReferenceSync.part)
                : try context.models.load(reference, head: .languageModel, training: .none, seed: context.seed)
        }
    }

    /// How learners share a step.
    private var division: RolloutDivision { parts.advantage(options).keepsGroups ? .groups : .responses }
}

extension PolicyGradientOptions {
    /// What a person should know before the first step.
    ///
    /// - Parameter vocabularySize: How many tokens the policy knows.
    fileprivate func warnings(_ order: DataOrder, vocabularySize: Int) -> [String] {
        var lines = [sampling.truncationWarning(vocabularySize: vocabularySize)].compactMap(\.self)
        let fewest = order.examplesTaken(by: order.stepsPerEpoch) - order.examplesTaken(by: order.stepsPerEpoch - 1)
        let responses = fewest * rollouts.nSamplesPerPrompt
        if responses < rollouts.numMiniBatches {
            lines.append(
                "the last step of each epoch has \(responses) of \(responsesPerStep) responses, fewer than its "
                    + "\(rollouts.numMiniBatches) mini-batches; those without a response make no update")
        }
        return lines
    }
}
