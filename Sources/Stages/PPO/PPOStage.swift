import Configuration
import PreferenceData
import Runs
import Training
import Transformers

/// Proximal Policy Optimization.
package struct PPOStage: Stage {
    package static let type = "ppo"
    package static let leaves: StageOutput? = .policy
    package static let keyMetrics = [
        "objective/scores", "objective/kl", "policy/clipfrac_avg", "completions/mean_length", "loss/value_avg",
    ]

    package var options = PPOOptions()
    /// What its updates are made of.
    private let algorithm: PolicyGradient

    package init(_ algorithm: PolicyGradient = .ppo) { self.algorithm = algorithm }

    /// Whether a critic is made, saved and planned.
    package var needsCritic: Bool { algorithm.advantage(options).needsCritic }

    /// The keys of PPO, those of the critic only where there is one.
    package var fields: [Field<PPOOptions>] {
        needsCritic ? PPOOptions.fields : PPOOptions.fields.filter { !PPOOptions.criticKeys.contains($0.key) }
    }

    package mutating func resolve(in scope: StageScope) throws {
        let given = scope.given
        if !given.contains("init") {
            options.initial = try scope.policy(from: [DPOStage.type, SFTStage.type], for: "init")
        }
        if !given.contains("reference") { options.reference = options.initial }
        if !given.contains("reward") { options.reward = try scope.reward(from: RewardStage.type, for: "reward") }
        if !given.contains("critic_init") {
            options.criticInitial = options.reward.isModel ? options.reward : options.initial
        }
        if !given.contains("prompts") {
            options.prompts = try scope.rows(
                from: [(SplitStage.type, "difficult"), (SampleStage.type, nil)], for: "prompts")
        }
        if !given.contains("critic_learning_rate") { options.criticLearningRate = options.optimizer.learningRate }
        if !given.contains("save_steps") { options.saveSteps = scope.run.saveSteps }
        options.prompt.inherit(scope)
        try scope.checkInputs(of: self)
        try options.optimizer.check(scope)
        try options.rollouts.resolve(scope, data: options.prompts)
        try options.shaping.check(scope, responses: options.responsesPerStep)
        guard options.sampling.temperature > 0 else {
            throw scope.error("temperature", "0 leaves nothing to explore", "write 0.7 or 1.0")
        }
        options.placement.inherit(scope)
    }

    package func check(at start: StageStart) throws {
        try start.checkReward(options.reward, for: "reward")
        try start.checkStop(options.sampling.stopToken)
        try OnlinePlacement.check(
            options.placement, stage: start.name, workerCount: start.workers, ranks: start.ranks)
    }

    package func limits() throws -> LengthLimits { try options.prompt.limits() }
    package var longestSequence: (length: Int, key: String) {
        (options.prompt.maxPromptLength + options.sampling.responseLength, "response_length")
    }

    package func roles(workers: Int) -> StageRoles {
        let placement = OnlinePlacement(options.placement, workerCount: workers)
        return StageRoles(learners: placement.learners, samplers: placement.rollouts)
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) -> any StageCoordinator {
        RolloutRouter(
            learners: OnlinePlacement(options.placement, workerCount: workers).learners,
            keepsGroups: algorithm.advantage(options).keepsGroups)
    }

    package func run(on context: StageContext) throws {
        let prompts = try context.data.prompts(
            options.prompts, options.prompt, keepsRecords: options.reward.readsRecords)
        try context.note(prompts.summary)
        let order = try DataOrder(
            count: prompts.examples.count, batchSize: options.rollouts.rolloutBatchSize, seed: context.seed,
            shuffles: options.rollouts.shuffle)
        let model = try context.models.configuration(of: options.initial)
        for line in options.warnings(order, vocabularySize: model.vocabularySize) { try context.note(line) }
        try PPOWorker(context, options, algorithm, prompts, order).run()
    }
}

extension StageContext {
    /// A model of PPO, from the stage's checkpoint where there is one.
    package func ppoModel(
        _ initial: ArtifactReference, _ head: ModelHead, trainable: Bool, part: String? = nil
    ) throws -> DecoderModel {
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            return try models.load(
                part.map { directory.appending(path: $0) } ?? directory, head: head, trainable: trainable)
        }
        return try models.load(initial, head: head, trainable: trainable, seed: seed)
    }
}

extension PPOOptions {
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
