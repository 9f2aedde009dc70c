import Configuration
import Objectives
import Runs
import Training

/// A preference loss on pairs of the policy's own responses.
package struct OnlineDPOOptions: Sendable, Equatable {
    /// The policy that training starts from.
    package var initial = ArtifactReference.base
    /// The frozen policies that the loss compares with.
    package var compared = ComparedPolicies()
    /// How a reference follows the policy.
    package var referenceSync = ReferenceSync()
    /// What scores responses.
    package var rewards = RewardMixture()
    /// Where the prompts come from, and the pairs that are not drawn.
    package var prompts: [ArtifactReference] = [.dataset(.train)]
    /// The loss of a pair.
    package var choice = LossChoice(of: .online)
    /// Which responses become pairs.
    package var pairRule = PairRule.bestWorst
    /// How far apart scores have to be in a confident pair.
    package var confidence = 1.0
    /// Who labels drawn pairs.
    package var labels = PairLabels.reward
    /// The share of a step's prompts whose responses are drawn; the data's own pairs stand for the others.
    package var generatedShare = 1.0
    /// Who labels the data's pairs.
    package var dataLabels = DataLabels.reward
    /// Taken off the score of a response without its end.
    package var missingEOSPenalty: Double?
    /// How the reward model keeps up.
    package var rewardUpdate = RewardUpdateOptions()
    /// Length and batches.
    package var rollouts = OnlineDPOOptions.standardRollouts
    /// How responses are drawn.
    package var sampling = SamplingOptions(responseLength: 128, temperature: 0.9)
    /// AdamW.
    package var optimizer = OptimizerOptions(learningRate: 5e-7)
    /// Most tokens in one forward and backward pass of a rank.
    package var maxTokensPerMicroBatch = 4096
    /// Whether backward passes compute activations anew, in place of keeping them.
    package var gradientCheckpointing = false
    /// The load-balancing loss of models with experts.
    package var routerAuxLoss = RouterAuxLossOptions()
    /// How long a prompt may be.
    package var prompt = PromptOptions()
    /// How workers share learning and rollouts.
    package var placement = PlacementOptions()
    /// How a judge behind a server is asked.
    package var judging = JudgeOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()
    /// Whether an adapter is trained.
    package var adapter = AdapterOptions()
    /// Steps between checkpoints.
    package var saveSteps = 500

    /// The defaults.
    package init() {}

    private static let standardRollouts: RolloutStepOptions = {
        var rollouts = RolloutStepOptions()
        (rollouts.nSamplesPerPrompt, rollouts.numPPOEpochs) = (2, 1)
        return rollouts
    }()

    /// The loss as these options have it.
    ///
    /// - Precondition: They are resolved.
    package var loss: PreferenceLoss {
        do { return try choice.loss() } catch { preconditionFailure("\(error.key) \(error.problem)") }
    }

    /// Whether the data's own pairs are learned from, too.
    package var readsPairs: Bool { generatedShare < 1 }

    /// What the rows of `prompts` are read as.
    package var rowKind: RowKind {
        readsPairs ? .predictedPairs : labels == .demonstrations ? .completions : .prompts
    }

    /// The prompts of a step whose responses are drawn.
    package var drawnPrompts: Int { drawn(of: rollouts.rolloutBatchSize) }

    /// Of so many prompts of a step those whose responses are drawn.
    package func drawn(of prompts: Int) -> Int { Int((generatedShare * Double(prompts)).rounded()) }

    /// Most pairs that the responses to a prompt make.
    package var pairsOfPrompt: Int {
        let samples = rollouts.nSamplesPerPrompt
        if pairRule == .all { return samples * (samples - 1) / 2 }
        return switch labels {
        case .reward: 1
        case .policy: samples / 2
        case .demonstrations: samples
        }
    }

    /// Most pairs that there are to choose from at an update of the reward model.
    package var pairsOfUpdate: Int {
        let (most, overflow) = (drawnPrompts * pairsOfPrompt).multipliedReportingOverflow(by: rewardUpdate.steps)
        return overflow ? .max : most
    }

    /// From a response's score to the score that counts.
    package var scoreShaping: ScoreShaping { ScoreShaping(missingEOSPenalty: missingEOSPenalty ?? 0) }

    /// The reward model that learns in the loop, where one does.
    package var taughtReward: ArtifactReference? {
        guard rewardUpdate.gold != nil, rewards.sources.count == 1, rewards.weights == nil else { return nil }
        return rewards.model
    }

    /// What a judge behind a server can be asked, the default first: gold labels are scores.
    package var judgeModes: [JudgeMode] {
        guard rewards.asksJudge else { return [.score] }
        return rollouts.nSamplesPerPrompt == 2 ? [.pair, .score] : [.score, .pair]
    }

    /// Lengths of the data's own pairs.
    package var lengths: LengthOptions {
        var lengths = LengthOptions()
        lengths.prompt = prompt
        lengths.maxLength = prompt.maxPromptLength + sampling.responseLength
        return lengths
    }
}

extension OnlineDPOOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "init", \.initial, .policy, startsModel: true, default: "the sft stage, else base",
            "Policy that training starts from.")
        embed(\.compared, ComparedPolicies.fields(of: .online))
        embed(
            \.rewards,
            RewardMixture.fields(isOptional: true, default: "the reward stage, where the reward labels"))
        Field.input(
            "prompts", \.prompts, .rows(.prompts),
            default: "the difficult part of the split stage, else the sample stage, else dataset.train",
            "Data whose prompts are answered, and whose pairs are learned from where generated_share is below 1.")
        embed(\.choice, LossChoice.fields(of: .online))
        Field(
            "pairs", \.pairRule,
            "Which responses to a prompt become pairs: best_worst, the best and the worst; all, any two of unequal score; "
                + "confident, best and worst where they are at least confidence apart.")
        Field("confidence", \.confidence, .greaterThan(0), "How far apart scores have to be in a confident pair.")
        Field(
            "labels", \.labels,
            "Who says which response of a drawn pair is the better one: the reward; the policy, which draws it by its "
                + "implicit reward (SAIL-PP); or demonstrations, the data's own answer standing before each response that is "
                + "drawn (SPIN, IRFT; with a generated_share below 1 AIHF).")
        Field(
            "generated_share", \.generatedShare, .between(0, 1),
            "Share of a step's prompts whose responses are drawn; the data's own pairs stand for the others (SAIL's p)."
        )
        Field(
            "data_labels", \.dataLabels,
            "Who labels the data's own pairs: reward leaves them as they are, policy draws anew (SAIL-DP).")
        Field(
            "missing_eos_penalty", \.missingEOSPenalty, .atLeast(0),
            "Taken off the score of a response without its end.")
        embed(\.rewardUpdate)
        embed(\.rollouts, RolloutStepOptions.fields(.groups, fewestSamples: 2))
        embed(\.sampling)
        embed(\.referenceSync)
        embed(\.optimizer)
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1), effect: .rounding,
            "Most tokens of one forward and backward pass on a rank; bounds memory, not the result.")
        Field(
            "gradient_checkpointing", \.gradientCheckpointing, effect: .free,
            "Whether backward passes compute activations anew, to save memory for about a third more work.")
        RouterAuxLossOptions.field(at: \Self.routerAuxLoss.coefficient)
        embed(\.prompt, default: "the dataset's")
        embed(\.placement, default: "the run's")
        JudgeOptions.block(\.judging)
        embed(\.compute, default: "the run's")
        embed(\.adapter)
        Field(
            "save_steps", \.saveSteps, .atLeast(1), default: "the run's save_steps", effect: .choosing,
            "Steps between checkpoints.")
    }
}
