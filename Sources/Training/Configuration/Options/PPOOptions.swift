import Configuration

/// Proximal Policy Optimization on prompts, with a reward less the KL divergence from a reference policy.
///
/// A step draws `rolloutBatchSize * nSamplesPerPrompt` responses over all ranks together, and makes
/// `numPPOEpochs * numMiniBatches` optimizer steps on them.
public struct PPOOptions: Sendable, Equatable {
    /// The policy that training starts from.
    public var initial = ArtifactReference.base
    /// The frozen policy that the KL divergence is taken from.
    public var reference = ArtifactReference.base
    /// The reward.
    public var reward = ArtifactReference.unset
    /// The model that the critic starts from; a policy gives its body, with a new head.
    public var criticInitial = ArtifactReference.unset
    /// Where the prompts come from.
    public var prompts: [ArtifactReference] = [.dataset(.train)]
    /// Length and batches.
    public var rollouts = PPORolloutOptions()
    /// How responses are drawn.
    public var sampling = SamplingOptions(responseLength: 128, temperature: 0.7)
    /// What becomes of the reward, and advantages.
    public var shaping = RewardShapingOptions()
    /// The clipped losses.
    public var loss = PPOLossOptions()
    /// AdamW of the policy, and of the critic but for its learning rate.
    public var optimizer = OptimizerOptions(learningRate: 3e-6, adamEpsilon: 1e-5)
    /// The critic's peak learning rate.
    public var criticLearningRate = 3e-6
    /// Most tokens in one forward and backward pass of a rank.
    public var maxTokensPerMicroBatch = 4096
    /// Whether backward passes compute activations anew, in place of keeping them.
    public var gradientCheckpointing = false
    /// How long a prompt may be.
    public var prompt = PromptOptions()
    /// How workers share learning and rollouts.
    public var placement = PlacementOptions()
    /// Steps between checkpoints.
    public var saveSteps = 500

    /// The defaults.
    public init() {}

    /// Responses of one step over all ranks together.
    public var responsesPerStep: Int { rollouts.rolloutBatchSize * rollouts.nSamplesPerPrompt }
}

extension PPOOptions: StageOptionGroup {
    package static let fields = Field<Self>.list {
        Field("init", \.initial, default: "the dpo stage, else sft, else base", "Policy that training starts from.")
        Field(
            "reference", \.reference, default: "the same as init", "Frozen policy that the KL divergence is taken from."
        )
        Field(
            "reward", \.reward, default: "the reward stage",
            "Reward: a reward stage, a model directory, rule:NAME, or command:LINE.")
        Field(
            "critic_init", \.criticInitial, default: "the reward model, else the same as init",
            "Model that the critic starts from; a policy gives its body, with a new head.")
        Field(
            "prompts", \.prompts,
            default: "the difficult part of the split stage, else the sample stage, else dataset.train",
            "Data whose prompts are answered.")
        embed(\.rollouts)
        embed(\.sampling)
        embed(\.shaping)
        embed(\.loss)
        embed(\.optimizer)
        Field(
            "critic_learning_rate", \.criticLearningRate, .atLeast(0), default: "the same as learning_rate",
            "Peak learning rate of the critic.")
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1),
            "Most tokens of one forward and backward pass on a rank; bounds memory, not the result.")
        Field(
            "gradient_checkpointing", \.gradientCheckpointing,
            "Whether backward passes compute activations anew, to save memory for about a third more work.")
        embed(\.prompt, default: "the dataset's")
        embed(\.placement, default: "the run's")
        Field("save_steps", \.saveSteps, .atLeast(1), default: "the run's save_steps", "Steps between checkpoints.")
    }

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("init") { initial = try scope.policy(from: [.dpo, .sft], for: "init") }
        if !scope.given.contains("reference") { reference = initial }
        if !scope.given.contains("reward") { reward = try scope.reward(for: "reward") }
        if !scope.given.contains("critic_init") { criticInitial = reward.isModel ? reward : initial }
        if !scope.given.contains("prompts") { prompts = try scope.rows(part: "difficult", for: "prompts") }
        if !scope.given.contains("critic_learning_rate") { criticLearningRate = optimizer.learningRate }
        if !scope.given.contains("save_steps") { saveSteps = scope.run.saveSteps }
        prompt.inherit(scope)
        try scope.check(initial, is: .policy, for: "init")
        try scope.check(reference, is: .policy, for: "reference")
        try scope.check(reward, is: .reward, for: "reward")
        try scope.check(criticInitial, is: .model, for: "critic_init")
        try scope.check(prompts, is: .rows, for: "prompts")
        try optimizer.check(scope)
        try rollouts.resolve(scope, data: prompts)
        try shaping.check(scope, responses: responsesPerStep)
        guard sampling.temperature > 0 else {
            throw scope.error("temperature", "0 leaves nothing to explore", "write 0.7 or 1.0")
        }
        placement.inherit(scope)
    }

    package var asStageOptions: StageOptions { .ppo(self) }
}

extension ArtifactReference {
    /// Whether this reward is a model, whose body a critic can start from.
    fileprivate var isModel: Bool {
        switch self {
        case .rule, .command: false
        default: true
        }
    }
}
