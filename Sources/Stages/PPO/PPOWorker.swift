import MPI
import PreferenceData
import Runs
import Training
import Transformers

// The loop of an online stage.
//
//      rank zero                     learners                            samplers
//      ─────────                     ────────                            ────────
//                                                                        draw, score step s
//      gather step s  ◀───────────────────────────────── RolloutMessage ─┘
//      divide it by tokens ─ LearnMessage ─▶ learn from step s
//                                    │  all-reduce gradients, update
//      write metrics  ◀─ step ───────┤
//                                    └─ WeightChannel, version s + 1 ──▶ take the weights
//      flush metrics  ◀─ saving ─────┐                                   draw, score step s + 1 + max_staleness
//      └─ save ─────────────────────▶ write the checkpoint
//
//      | who     | waits for                              | where                     | what ends the wait             |
//      |---------|----------------------------------------|---------------------------|--------------------------------|
//      | rank 0  | any message                            | Orchestrator.run          | whoever sends first            |
//      | learner | its share of step s                    | LearnerSteps.receive      | the last sampler's part of s   |
//      | learner | the other learners                     | Tracer.collective         | the slowest of them            |
//      | learner | the samplers, before it sends weights  | WeightChannel.transfer    | the last that has drawn        |
//      | sampler | version s - max_staleness              | WeightChannel.transfer    | the first learner's update     |
//      | learner | leave to write a checkpoint            | StageContext.save         | rank zero has flushed metrics  |
//
// A colocated worker is learner and sampler in turn, and there is no weight channel.

/// One worker's part in PPO: a learner, a sampler, or both.
///
/// The schedule is fixed, so a run can be repeated: a step's responses come from the policy after `step - max_staleness`
/// updates. With `max_staleness: 1` samplers draw the next step's responses while learners use this one's, and a
/// checkpoint keeps the responses that were drawn before the update it is made after.
package struct PPOWorker {
    package let context: StageContext
    package let options: PPOOptions
    package let totalSteps: Int
    package let order: DataOrder
    private let placement: OnlinePlacement
    private let learner: PPOLearner?
    private let learners: Communicator?
    private let sampler: RolloutWorker?
    private let channel: WeightChannel?
    private let firstStep: Int
    /// The responses of the first step, where the checkpoint keeps them.
    private let restored: RolloutBatch?
    /// Whether the responses to one prompt go to one learner.
    private let keepsGroups: Bool

    /// What the weight channel calls the policy.
    private static let policyName = "policy"

    package init(
        _ context: StageContext, _ options: PPOOptions, _ algorithm: PolicyGradient,
        _ prompts: DataStore.Loaded<Prompt, TokenizedPrompt>,
        _ order: DataOrder
    ) throws {
        self.context = context
        self.options = options
        self.order = order
        keepsGroups = algorithm.advantage(options).keepsGroups
        firstStep = context.checkpoint ?? 0
        totalSteps = options.rollouts.steps(in: order)
        placement = OnlinePlacement(options.placement, workerCount: context.workers.size)
        let me = context.workers.rank
        let learns = placement.learners.contains(me), samples = placement.rollouts.contains(me)
        learners = try context.workers.split(color: learns ? 0 : nil, key: me, name: "learners")
        let carries = !placement.isColocated && (samples || me == placement.learners[0])
        channel = try context.workers.split(color: carries ? 0 : nil, key: me, name: "weights").map {
            WeightChannel($0, tracer: context.tracer)
        }
        let policy = try context.ppoModel(options.initial, .languageModel, trainable: learns)
        let checkpoint = context.checkpoint.map { context.checkpoints.url(ofStep: $0) }
        let isAhead = options.rollouts.maxStaleness > 0 && firstStep < totalSteps
        restored = try (isAhead ? checkpoint : nil).map {
            try RolloutBatch.read(from: $0, vocabularySize: policy.configuration.vocabularySize)
        }
        learner = try learners.map { learners in
            let critic =
                algorithm.advantage(options).needsCritic
                ? try context.ppoModel(options.criticInitial, .score, trainable: true, part: "critic") : nil
            let learner = PPOLearner(
                policy: policy, critic: critic, options, algorithm, totalSteps: options.rollouts.steps(in: order),
                learners: learners, seed: context.seed, tracer: context.tracer, stage: context.stage.name,
                note: context.note)
            if let checkpoint {
                try PPOCheckpoint(learner: learner, models: context.models, text: context.text).restore(
                    from: checkpoint)
            }
            return learner
        }
        guard samples else {
            sampler = nil
            return
        }
        sampler = RolloutWorker(
            context: context, options: options, prompts: prompts, batches: order.batches, policy: policy,
            reference: try context.models.load(
                options.reference, head: .languageModel, trainable: false, seed: context.seed),
            scorer: try context.scorer(
                options.reward, maxTokens: options.maxTokensPerMicroBatch, isLeft: false),
            sampler: placement.rollouts.firstIndex(of: me) ?? 0, samplerCount: placement.rollouts.count)
    }

    package func run() throws {
        try context.begin(total: totalSteps, unit: "step", step: firstStep)
        let updates = totalSteps * options.rollouts.numPPOEpochs * options.rollouts.numMiniBatches
        if let line = options.optimizer.warmupNote(steps: updates, "updates") { try context.note(line) }
        if let learner, let learners {
            try run(learner, learners)
            for model in [learner.policy, learner.critic].compactMap(\.self) {
                try RunError.check(model.parameters, after: totalSteps, of: context.stage.name, over: learners)
            }
        } else if let sampler {
            try run(sampler)
        }
        if isFirst, let learner {
            try AtomicDirectory.write(to: context.stage.final) { directory in
                try context.models.save(learner.policy, to: directory, text: context.text)
            }
            if let critic = learner.critic {
                try AtomicDirectory.write(to: context.stage.directory.appending(path: "critic")) { directory in
                    try context.models.save(critic, to: directory, text: context.text)
                }
            }
        }
    }

    package var staleness: Int { options.rollouts.maxStaleness }

    /// Whether this worker draws responses.
    package var samples: Bool { sampler != nil }

    /// Whether this worker speaks and writes for all.
    private var isFirst: Bool { context.workers.rank == placement.learners[0] }

    /// The first step whose responses are still to be drawn.
    private var firstDrawn: Int { firstStep + (restored == nil ? 0 : 1) }

    /// A worker that only samples. Learners tell it, in the place of weights, where the run stops.
    private func run(_ sampler: RolloutWorker) throws {
        for step in firstDrawn..<totalSteps {
            // The first steps after a start are drawn from the policy as it was loaded.
            let version = max(firstStep, step - staleness)
            if version > firstStep,
                let stop = try channel?.transfer(
                    sampler.policy.parameters, of: Self.policyName, version: version)
            {
                throw StageStopped(step: version, reason: stop)
            }
            try sampler.produce(step: step, version: version)
        }
    }

    /// A learner, which draws responses too where roles are colocated.
    private func run(_ learner: PPOLearner, _ learners: Communicator) throws {
        context.stopMonitor.expectSaving(
            bytes: learner.policyUpdater.stateBytes + (learner.criticUpdater?.stateBytes ?? 0))
        let steps = LearnerSteps(self, learner, learners, reports: isFirst)
        var drawn = firstDrawn
        var ahead = restored?.shares(over: learners.size, keepsGroups: keepsGroups)[learners.rank]
        for step in firstStep..<totalSteps {
            while let sampler, drawn <= min(step + staleness, totalSteps - 1) {
                try sampler.produce(step: drawn, version: step)
                drawn += 1
            }
            try steps.learn(step, from: ahead)
            ahead = nil
            let done = step + 1
            guard done < totalSteps else { break }
            let stop = try context.stopMonitor.agreed(over: learners)
            // What the samplers of the step after these wait for.
            if done + staleness < totalSteps {
                _ = try channel?.transfer(
                    learner.policy.parameters, of: Self.policyName, version: done, stop: stop)
            }
            if stop != nil || done.isMultiple(of: options.saveSteps) {
                if staleness > 0 { ahead = try steps.receive(done) }
                try steps.save(step: done, inFlight: ahead)
            }
            if let stop { throw StageStopped(step: done, reason: stop) }
        }
    }
}
