import Configuration
import PreferenceData
import Runs

/// Length and batches of an online stage.
package struct RolloutStepOptions: Sendable, Equatable {
    /// Prompts a step over all ranks together.
    package var rolloutBatchSize = 64
    /// Responses drawn for each prompt.
    package var nSamplesPerPrompt = 1
    /// Responses over the whole stage, in place of the epochs.
    package var totalEpisodes: Int?
    /// Steps, in place of the epochs and episodes.
    package var maxSteps: Int?
    /// Passes over the prompts.
    package var numTrainEpochs = 1.0
    /// Whether prompts are put into a random order, or taken as they come.
    package var shuffle = true
    /// Passes over each step's responses.
    package var numPPOEpochs = 4
    /// Optimizer steps of each pass.
    package var numMiniBatches = 1
    /// What becomes of responses to a prompt that all have one score.
    package var equalGroups = EqualGroups.keep
    /// How often they are drawn again at most.
    package var maxResamples = 4
    /// How many updates old the policy that responses are drawn from may be.
    package var maxStaleness = 0

    /// The defaults.
    package init() {}

    /// What a stage calls the keys that trainers call by different names.
    package struct Keys: Sendable {
        package var samples = "n_samples_per_prompt"
        package var passes = "num_ppo_epochs"

        package init() {}

        /// TRL's names in GRPO and RLOO.
        package static let groups: Keys = {
            var keys = Keys()
            (keys.samples, keys.passes) = ("num_generations", "num_iterations")
            return keys
        }()
    }

    /// How often a sampler draws a group again.
    package var resamples: Int { equalGroups == .resample ? maxResamples : 0 }

    package mutating func resolve(_ scope: StageScope, data: [ArtifactReference], _ keys: Keys) throws {
        if !scope.given.contains("shuffle") { shuffle = !scope.isOrdered(data) }
        guard equalGroups == .resample || maxResamples == Self().maxResamples else {
            throw scope.error(
                "max_resamples", "has no meaning for equal_groups \(equalGroups.rawValue)",
                "write equal_groups: resample, or leave it out")
        }
        guard maxSteps == nil || totalEpisodes == nil else {
            throw scope.error("max_steps", "given together with total_episodes", "keep one of the two")
        }
        let (responses, overflow) = rolloutBatchSize.multipliedReportingOverflow(by: nSamplesPerPrompt)
        guard !overflow else { throw scope.error("rollout_batch_size", "is too large", "write a smaller number") }
        if let totalEpisodes, totalEpisodes < responses {
            throw scope.error(
                "total_episodes", "\(totalEpisodes) is less than one step's \(responses) responses",
                "write at least \(responses), or a smaller rollout_batch_size")
        }
        guard responses.isMultiple(of: numMiniBatches) else {
            let nearest = (1...responses).filter { responses.isMultiple(of: $0) }
                .min { (abs($0 - numMiniBatches), $0) < (abs($1 - numMiniBatches), $1) }
            throw scope.error(
                "num_mini_batches",
                "\(numMiniBatches) does not divide the \(responses) responses of a step "
                    + "(rollout_batch_size \(rolloutBatchSize) x \(keys.samples) \(nSamplesPerPrompt))",
                "the nearest that does is \(nearest ?? 1)")
        }
    }
}

/// What becomes of the responses to a prompt where all have one score, which tell nothing of each other.
package enum EqualGroups: String, Sendable, ConfigurationWord {
    /// They stay: their advantages are 0, but they count in what losses are divided by.
    case keep
    /// They count nothing.
    case drop
    /// They are drawn again, a few times at most; those that still are equal count nothing (DAPO's dynamic sampling).
    case resample
}

extension RolloutStepOptions: KeyedOptions {
    package static var fields: [Field<Self>] { fields(Keys()) }

    /// The keys by a stage's names.
    ///
    /// - Parameter fewestSamples: How many responses to a prompt it takes at least.
    package static func fields(_ keys: Keys, fewestSamples: Int = 1) -> [Field<Self>] {
        Field<Self>.list {
            Field(
                "rollout_batch_size", \.rolloutBatchSize, .between(1, 1 << 20),
                "Prompts a step, over all ranks together.")
            Field(
                keys.samples, \.nSamplesPerPrompt, .between(fewestSamples, 1 << 10),
                "Responses drawn for a prompt; a step has rollout_batch_size x \(keys.samples) of them.")
            Field("num_train_epochs", \.numTrainEpochs, .greaterThan(0), "Passes over the prompts.")
            Field(
                "total_episodes", \.totalEpisodes, .atLeast(1),
                "Responses over the whole stage, in place of num_train_epochs; rounded up to whole steps.")
            Field("max_steps", \.maxSteps, .atLeast(1), "Steps, in place of num_train_epochs.")
            Field(
                "shuffle", \.shuffle, default: "true, unless the prompts come from a split ordered easy_to_hard",
                "Whether each epoch has a random order, or the data's own.")
            Field(keys.passes, \.numPPOEpochs, .between(1, 1 << 20), "Passes over the responses of a step.")
            Field("num_mini_batches", \.numMiniBatches, .atLeast(1), "Optimizer steps of a pass.")
            keys.samples == Keys.groups.samples ? groupFields : []
            Field(
                "max_staleness", \.maxStaleness, .between(0, 1),
                "How many steps old the sampling policy may be: 0 samples, then learns; 1 does both at a time.")
        }
    }
}

extension RolloutStepOptions {
    private static let groupFields = Field<Self>.list {
        Field(
            "equal_groups", \.equalGroups,
            "Responses to a prompt that all have one score: keep lets them count with advantages of 0, drop leaves them out, "
                + "resample draws them again first (DAPO's dynamic sampling).")
        Field("max_resamples", \.maxResamples, .between(1, 100), "How often they are drawn again at most.")
    }

    /// Steps of a stage where `max_steps` or `total_episodes` gives them, whatever the prompts: as in TRL, as many as have
    /// at least those episodes if every step is full.
    package var fixedSteps: Int? {
        maxSteps
            ?? totalEpisodes.map {
                let (steps, rest) = $0.quotientAndRemainder(dividingBy: rolloutBatchSize * nSamplesPerPrompt)
                return steps + (rest > 0 ? 1 : 0)
            }
    }

    /// Steps of a stage whose prompts go in `order`.
    package func steps(in order: DataOrder) -> Int {
        fixedSteps ?? order.steps(inEpochs: numTrainEpochs)
    }
}
