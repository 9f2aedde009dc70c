import Configuration
import Runs
import Training

/// A policy gradient on prompts: with a reward of the policy's own responses, and a divergence from a reference policy.
///
/// A step draws `rolloutBatchSize * nSamplesPerPrompt` responses over all ranks together, and makes
/// `numPPOEpochs * numMiniBatches` optimizer steps on them.
package struct PolicyGradientOptions: Sendable, Equatable {
    /// The policy that training starts from.
    package var initial = ArtifactReference.base
    /// The frozen policy that the KL divergence is taken from, where one is read.
    package var reference: ArtifactReference?
    /// How that follows the policy.
    package var referenceSync = ReferenceSync()
    /// The reward.
    package var rewards = RewardMixture()
    /// The model that the critic starts from, where there is one; a policy gives its body, with a new head.
    package var criticInitial: ArtifactReference?
    /// Where the prompts come from.
    package var prompts: [ArtifactReference] = [.dataset(.train)]
    /// Length and batches.
    package var rollouts = RolloutStepOptions()
    /// How responses are drawn.
    package var sampling = SamplingOptions(responseLength: 128, temperature: 0.7)
    /// What becomes of the reward, and advantages.
    package var shaping = RewardShapingOptions()
    /// The clipped losses.
    package var loss = PolicyLossOptions()
    /// AdamW of the policy, and of the critic but for its learning rate.
    package var optimizer = OptimizerOptions(learningRate: 3e-6, adamEpsilon: 1e-5)
    /// The critic's peak learning rate.
    package var criticLearningRate = 3e-6
    /// Most tokens in one forward and backward pass of a rank.
    package var maxTokensPerMicroBatch = 4096
    /// Whether backward passes compute activations anew, in place of keeping them.
    package var gradientCheckpointing = false
    /// How long a prompt may be.
    package var prompt = PromptOptions()
    /// How workers share learning and rollouts.
    package var placement = PlacementOptions()
    /// How a judge behind a server is asked.
    package var judging = JudgeOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()
    /// How equally the policy's experts are kept busy.
    package var routerAuxLoss = RouterAuxLossOptions()
    /// Whether an adapter is trained.
    package var adapter = AdapterOptions()
    /// Steps between checkpoints.
    package var saveSteps = 500

    /// The defaults.
    package init() {}

    /// Responses of one step over all ranks together.
    package var responsesPerStep: Int { rollouts.rolloutBatchSize * rollouts.nSamplesPerPrompt }
}

extension PolicyGradientOptions: KeyedOptions {
    /// Keys that mean nothing without a critic.
    package static let criticKeys: Set = ["critic_init", "critic_learning_rate", "cliprange_value", "vf_coef", "lam"]

    package static var fields: [Field<Self>] { PPORecipe.fields }

    /// What is read.
    static func inputFields(critic: Bool) -> [Field<Self>] {
        Field<Self>.list {
            Field.input(
                "init", \.initial, .policy, startsModel: true, default: "the dpo stage, else sft, else base",
                "Policy that training starts from.")
            Field.input(
                "reference", \.reference, .policy, isOptional: true,
                default: "the same as init, where one is read",
                "Frozen policy that the KL divergence is taken from.")
            embed(\.rewards, RewardMixture.fields)
            critic ? [criticInput] : []
            Field.input(
                "prompts", \.prompts, .rows(.prompts),
                default: "the difficult part of the split stage, else the sample stage, else dataset.train",
                "Data whose prompts are answered.")
        }
    }

    private static let criticInput = Field<Self>.input(
        "critic_init", \.criticInitial, .model, isOptional: true,
        default: "the reward model, else the same as init",
        "Model that the critic starts from; a policy gives its body, with a new head.")

    static let criticRate = Field<Self>(
        "critic_learning_rate", \.criticLearningRate, .atLeast(0), default: "the same as learning_rate",
        "Peak learning rate of the critic.")

    /// How it runs.
    static let runFields = Field<Self>.list {
        embed(\.referenceSync)
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
