import MPI
import PreferenceData
import Runs
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

/// One worker's part in an online stage: a learner, a sampler, or both.
///
/// The schedule is fixed, so a run can be repeated: a step's responses come from the policy after `step - max_staleness`
/// updates. With `max_staleness: 1` samplers draw the next step's responses while learners use this one's, and a
/// checkpoint keeps the responses that were drawn before the update it is made after.
package struct OnlineWorker {
    package let context: StageContext
    package let settings: Settings
    package let totalSteps: Int
    package let order: DataOrder
    private let placement: OnlinePlacement
    private let learner: (any OnlineLearner)?
    private let learners: Communicator?
    private let sampler: RolloutSampler?
    private let channel: WeightChannel?
    private let firstStep: Int
    /// The responses of the first step, where the checkpoint keeps them.
    private let restored: RolloutBatch?

    /// What the loop reads of a stage's options.
    package struct Settings {
        package var rollouts: RolloutStepOptions
        package var placement: PlacementOptions
        /// Steps between checkpoints.
        package var saveSteps: Int
        /// How a step's responses are divided over learners.
        package var division: RolloutDivision
        /// The metric that tells the seconds of a learner's step.
        package var timing: String
        /// What is said of the warm-up, where it takes long.
        package var warmupNote: String?
        /// The model that scores, where it is trained too: its name, and after how many steps each it goes to samplers anew.
        package var scorer: (name: String, every: Int)?

        package init(
            _ rollouts: RolloutStepOptions, _ placement: PlacementOptions, saveSteps: Int, division: RolloutDivision,
            timing: String, warmupNote: String?
        ) {
            (self.rollouts, self.placement, self.saveSteps) = (rollouts, placement, saveSteps)
            (self.division, self.timing, self.warmupNote) = (division, timing, warmupNote)
        }

        /// The steps that the model which scores has learned from, after so many steps.
        func scoreVersion(after steps: Int) -> Int { scorer.map { steps / $0.every * $0.every } ?? 0 }
    }

    /// - Parameters:
    ///   - policy: Loads the policy, to be trained by these learners or, with `nil`, only drawn from.
    ///   - learner: Makes what learns, of the policy, on the workers that do.
    ///   - sampler: Makes what draws, of the policy, as one of so many.
    package init(
        _ context: StageContext, _ settings: Settings, _ order: DataOrder,
        policy load: (_ learners: Communicator?) throws -> DecoderModel,
        learner makeLearner: (DecoderModel, Communicator) throws -> any OnlineLearner,
        sampler makeSampler: (DecoderModel, _ number: Int, _ count: Int) throws -> RolloutSampler
    ) throws {
        (self.context, self.settings, self.order) = (context, settings, order)
        firstStep = context.checkpoint ?? 0
        totalSteps = settings.rollouts.steps(in: order)
        placement = OnlinePlacement(settings.placement, workerCount: context.workers.size)
        let me = context.workers.rank
        let learns = placement.learners.contains(me), samples = placement.rollouts.contains(me)
        learners = try context.workers.split(color: learns ? 0 : nil, key: me, name: "learners")
        let carries = !placement.isColocated && (samples || me == placement.learners[0])
        channel = try context.workers.split(color: carries ? 0 : nil, key: me, name: "weights").map {
            WeightChannel($0, tracer: context.tracer)
        }
        let policy = try load(learners)
        let checkpoint = context.checkpoint.map { context.checkpoints.url(ofStep: $0) }
        let isAhead = settings.rollouts.maxStaleness > 0 && firstStep < totalSteps
        restored = try (isAhead ? checkpoint : nil).map {
            try RolloutBatch.read(from: $0, vocabularySize: policy.configuration.vocabularySize)
        }
        learner = try learners.map { learners in
            let learner = try makeLearner(policy, learners)
            if let checkpoint {
                try OnlineCheckpoint(learner, models: context.models, text: context.text).restore(from: checkpoint)
            }
            return learner
        }
        let (number, count) = (placement.rollouts.firstIndex(of: me), placement.rollouts.count)
        sampler = try number.map { try makeSampler(policy, $0, count) }
    }

    package func run() throws {
        try context.begin(total: totalSteps, unit: "step", step: firstStep)
        for line in [settings.placement.unusedLearners, settings.warmupNote] { try line.map(context.note) }
        if let learner, let learners {
            try run(learner, learners)
            for trainee in learner.trainees {
                try RunError.check(
                    trainee.model.parameters, after: totalSteps, of: context.stage.name, over: learners)
            }
        } else if let sampler {
            try run(sampler)
        }
        if isFirst, let learner {
            for trainee in learner.trainees {
                let place =
                    trainee.name == Trainee.policy
                    ? context.stage.final : context.stage.directory.appending(path: trainee.name)
                try AtomicDirectory.write(to: place) { directory in
                    let models = context.models
                    try models.save(
                        trainee.model, to: directory, SavedWeights(as: models.placement.type), text: context.text)
                }
            }
        }
    }

    package var staleness: Int { settings.rollouts.maxStaleness }

    /// Whether this worker draws responses.
    package var samples: Bool { sampler != nil }

    /// Whether this worker speaks and writes for all.
    private var isFirst: Bool { context.workers.rank == placement.learners[0] }

    /// The first step whose responses are still to be drawn.
    private var firstDrawn: Int { firstStep + (restored == nil ? 0 : 1) }

    /// A worker that only samples. Learners tell it, in the place of weights, where the run stops.
    private func run(_ sampler: RolloutSampler) throws {
        var scoreVersion = settings.scoreVersion(after: firstStep)
        for step in firstDrawn..<totalSteps {
            // The first steps after a start are drawn from the policy as it was loaded.
            let version = max(firstStep, step - staleness)
            if version > firstStep,
                let stop = try channel?.transfer(
                    sampler.policy.parameters, of: Trainee.policy, version: version)
            {
                throw StageStopped(step: version, reason: stop)
            }
            if version > firstStep { sampler.follow(version: version) }
            if version > firstStep, let scorer = settings.scorer, version.isMultiple(of: scorer.every),
                let model = sampler.scoringModel
            {
                _ = try channel?.transfer(model.parameters, of: scorer.name, version: version)
                scoreVersion = version
            }
            try sampler.produce(step: step, version: version, scoreVersion: scoreVersion)
        }
    }

    /// A learner, which draws responses too where roles are colocated.
    private func run(_ learner: any OnlineLearner, _ learners: Communicator) throws {
        context.stopMonitor.expectSaving(bytes: learner.trainees.reduce(0) { $0 + $1.updater.stateBytes })
        let steps = LearnerSteps(self, learner, learners, reports: isFirst)
        let policy = learner.trainees[0].model.parameters
        var drawn = firstDrawn
        var ahead = restored?.shares(over: learners.size, settings.division)[learners.rank]
        for step in firstStep..<totalSteps {
            while let sampler, drawn <= min(step + staleness, totalSteps - 1) {
                try sampler.produce(step: drawn, version: step, scoreVersion: settings.scoreVersion(after: step))
                drawn += 1
            }
            try steps.learn(step, from: ahead)
            ahead = nil
            let done = step + 1
            guard done < totalSteps else { break }
            let stop = try context.stopMonitor.agreed(over: learners)
            // What the samplers of the step after these wait for.
            if done + staleness < totalSteps {
                _ = try channel?.transfer(policy, of: Trainee.policy, version: done, stop: stop)
                if stop == nil, let scorer = settings.scorer, done.isMultiple(of: scorer.every),
                    let trainee = learner.trainees.first(where: { $0.name == scorer.name })
                {
                    _ = try channel?.transfer(trainee.model.parameters, of: scorer.name, version: done)
                }
            }
            if stop != nil || done.isMultiple(of: settings.saveSteps) {
                if staleness > 0 { ahead = try steps.receive(done) }
                try steps.save(step: done, inFlight: ahead)
            }
            if let stop { throw StageStopped(step: done, reason: stop) }
        }
    }
}
