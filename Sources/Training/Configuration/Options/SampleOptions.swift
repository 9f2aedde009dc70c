import Configuration

/// Drawing responses from a policy and labelling the best and the worst of each prompt by reward.
public struct SampleOptions: Sendable, Equatable {
    /// The policy that is drawn from.
    public var policy = ArtifactReference.base
    /// The reward that labels.
    public var reward = ArtifactReference.unset
    /// Where the prompts come from.
    public var prompts: [ArtifactReference] = [.dataset(.train)]
    /// Responses drawn for each prompt.
    public var nSamplesPerPrompt = 2
    /// How they are drawn; the defaults are those of the method's authors.
    public var sampling = SamplingOptions(responseLength: 200, temperature: 1, topP: 0.9, topK: 50)
    /// Most tokens in one forward pass of the reward model.
    public var maxTokensPerMicroBatch = 4096
    /// How long a prompt may be.
    public var prompt = PromptOptions()

    /// The defaults.
    public init() {}
}

extension SampleOptions: StageOptionGroup {
    package static let fields = Field<Self>.list {
        Field("policy", \.policy, default: "the sft stage, else base", "Policy that responses are drawn from.")
        Field("reward", \.reward, default: "the reward stage", "Reward that labels the responses.")
        Field("prompts", \.prompts, "Data whose prompts are answered.")
        Field(
            "n_samples_per_prompt", \.nSamplesPerPrompt, .atLeast(2),
            "Responses drawn for a prompt; the best becomes chosen, the worst rejected.")
        embed(\.sampling)
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1),
            "Most tokens of one forward pass of the reward model on a rank.")
        embed(\.prompt, default: "the dataset's")
    }

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("policy") { policy = try scope.policy(from: [.sft], for: "policy") }
        if !scope.given.contains("reward") { reward = try scope.reward(for: "reward") }
        try scope.check(policy, is: .policy, for: "policy")
        try scope.check(reward, is: .reward, for: "reward")
        try scope.check(prompts, is: .rows, for: "prompts")
        guard sampling.temperature > 0 else {
            throw scope.error("temperature", "0 draws the same response every time", "write 1.0")
        }
        guard sampling.topK != 1 else {
            throw scope.error("top_k", "1 draws the same response every time", "write 50, or 0 for all tokens")
        }
        prompt.inherit(scope)
    }

    package var asStageOptions: StageOptions { .sample(self) }
}
