import Foundation
import MPI
import PreferenceData
import Torch
import Transformers

extension StageContext {
    func runPPO(_ options: PPOOptions) throws {
        let prompts = try data.prompts(options.prompts, options.prompt)
        try note(prompts.summary)
        let order = try DataOrder(
            count: prompts.examples.count, batchSize: options.rollouts.rolloutBatchSize, seed: seed,
            shuffles: options.rollouts.shuffle)
        try PPOWorker(self, options, prompts, order).run()
    }
}

/// One worker's part in PPO: a learner, a sampler, or both.
///
/// The schedule is fixed, so a run can be repeated: a step's responses come from the policy after `step - max_staleness`
/// updates. With `max_staleness: 1` samplers draw the next step's responses while learners use this one's.
private struct PPOWorker {
    private let context: StageContext
    private let options: PPOOptions
    private let placement: PPOPlacement
    private let totalSteps: Int
    private let order: DataOrder
    private let learner: PPOLearner?
    private let sampler: RolloutWorker?
    private let channel: WeightChannel?
    private let firstStep: Int

    init(
        _ context: StageContext, _ options: PPOOptions, _ prompts: DataStore.Loaded<Prompt, TokenizedPrompt>,
        _ order: DataOrder
    ) throws {
        self.context = context
        self.options = options
        self.order = order
        firstStep = context.checkpoint ?? 0
        totalSteps = options.rollouts.steps(in: order)
        placement = PPOPlacement(options.placement, workerCount: context.workers.size)
        let me = context.workers.rank
        let learns = placement.learners.contains(me), samples = placement.rollouts.contains(me)
        let learners = try context.workers.split(color: learns ? 0 : nil, key: me, name: "learners")
        let carries = !placement.isColocated && (samples || me == placement.learners[0])
        channel = try context.workers.split(color: carries ? 0 : nil, key: me, name: "weights").map {
            WeightChannel($0, tracer: context.tracer)
        }
        let policy = try context.ppoModel(options.initial, .languageModel, trainable: learns)
        learner = try learners.map { learners in
            let critic = try context.ppoModel(options.criticInitial, .score, trainable: true, part: "critic")
            let learner = PPOLearner(
                policy: policy, critic: critic, options, totalSteps: options.rollouts.steps(in: order),
                learners: learners, seed: context.seed, tracer: context.tracer)
            if let step = context.checkpoint {
                try PPOCheckpoint(learner: learner, models: context.models, text: context.text).restore(
                    from: context.checkpoints.url(ofStep: step))
            }
            return learner
        }
        guard samples else {
            sampler = nil
            return
        }
        sampler = RolloutWorker(
            context: context, options: options, prompts: prompts, order: order, policy: policy,
            reference: try context.models.load(
                options.reference, head: .languageModel, trainable: false, seed: context.seed),
            scorer: try context.scorer(options.reward, maxTokens: options.maxTokensPerMicroBatch),
            place: (placement.rollouts.firstIndex(of: me) ?? 0, placement.rollouts.count))
    }

    func run() throws {
        try context.begin(total: totalSteps, unit: "step", step: firstStep)
        if learner != nil, sampler != nil {
            try runColocated()
        } else if sampler != nil {
            try runSampler()
        } else {
            try runLearner()
        }
        if isFirst, let learner {
            try AtomicDirectory.write(to: context.stage.final) { directory in
                try context.models.save(learner.policy, to: directory, text: context.text)
            }
            try AtomicDirectory.write(to: context.stage.directory.appending(path: "critic")) { directory in
                try context.models.save(learner.critic, to: directory, text: context.text)
            }
        }
    }

    private var staleness: Int { options.rollouts.maxStaleness }

    private var isFirst: Bool { context.workers.rank == placement.learners[0] }

    private func runColocated() throws {
        var produced = firstStep
        for step in firstStep..<totalSteps {
            while produced <= min(step + staleness, totalSteps - 1) {
                try sampler?.produce(step: produced, version: step)
                produced += 1
            }
            try learn(step)
        }
    }

    private func runSampler() throws {
        guard let sampler else { return }
        for step in firstStep..<totalSteps {
            // The first steps after a start are drawn from the policy as it was loaded.
            let version = max(firstStep, step - staleness)
            if version > firstStep { try channel?.transfer(sampler.policy.parameters, version: version) }
            try sampler.produce(step: step, version: version)
        }
    }

    private func runLearner() throws {
        guard let learner else { return }
        for step in firstStep..<totalSteps {
            try learn(step)
            // What the samplers of step + 1 + staleness wait for.
            if step + 1 + staleness < totalSteps { try channel?.transfer(learner.policy.parameters, version: step + 1) }
        }
    }

    private func learn(_ step: Int) throws {
        guard let learner else { return }
        let order = try context.tracer.measure(.waiting) { try context.link.nextOrder() }
        let start = ContinuousClock.now
        guard case .learn(step) = order.header else {
            preconditionFailure("expected step \(step), got \(order.header)")
        }
        let batch = try ExperienceBatch(bytes: order.payload)
        for experience in batch.experiences where !(step - staleness...step).contains(experience.version) {
            throw RunError.other(
                "\(context.stage.name): a response of step \(step) comes from policy version \(experience.version), older "
                    + "than max_staleness \(staleness) allows")
        }
        let learned = try context.tracer.measure(.step, number: step + 1) { try learner.learn(step: step, from: batch) }
        guard var metrics = learned else {
            throw RunError.notFinite(stage: context.stage.name, step: step + 1, what: "the gradient")
        }
        let now = ContinuousClock.now
        metrics["episode"] = Double((step + 1) * options.responsesPerStep)
        metrics["epoch"] = Double(step + 1) / Double(self.order.stepsPerEpoch)
        metrics["timing/ppo_train"] = start.duration(to: now).seconds
        metrics.merge(context.tracer.takeTimings(sampler == nil ? .offline : .ppo))
        guard isFirst else { return }
        try context.link.report(.step(step + 1, metrics))
        if step + 1 < totalSteps, (step + 1).isMultiple(of: options.saveSteps) {
            try context.writeCheckpoint(step: step + 1) {
                try PPOCheckpoint(learner: learner, models: context.models, text: context.text).write(
                    to: $0, step: step + 1)
            }
            try context.link.report(.saved(step: step + 1))
        }
    }
}

extension StageContext {
    /// A model of PPO, from the stage's checkpoint where there is one.
    fileprivate func ppoModel(
        _ initial: ArtifactReference, _ head: ModelHead, trainable: Bool, part: String? = nil
    ) throws -> Transformers.Decoder {
        if let checkpoint {
            let directory = checkpoints.url(ofStep: checkpoint)
            return try models.load(
                part.map { directory.appending(path: $0) } ?? directory, head: head, trainable: trainable)
        }
        return try models.load(initial, head: head, trainable: trainable, seed: seed)
    }
}
