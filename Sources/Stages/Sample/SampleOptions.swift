import Configuration
import Runs
import Training

/// Drawing responses from a policy and labelling the best and the worst of each prompt by reward.
package struct SampleOptions: Sendable, Equatable {
    /// The policy that is drawn from.
    package var policy = ArtifactReference.base
    /// The reward that labels.
    package var reward = ArtifactReference.unset
    /// Where the prompts come from.
    package var prompts: [ArtifactReference] = [.dataset(.train)]
    /// Responses drawn for each prompt.
    package var nSamplesPerPrompt = 2
    /// How they are drawn; the defaults are those of the method's authors.
    package var sampling = SamplingOptions(responseLength: 200, temperature: 1, topP: 0.9, topK: 50)
    /// Most tokens in one forward pass of the reward model.
    package var maxTokensPerMicroBatch = 4096
    /// How long a prompt may be.
    package var prompt = PromptOptions()

    /// The defaults.
    package init() {}
}

extension SampleOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "policy", \.policy, .policy, default: "the sft stage, else base", "Policy that responses are drawn from.")
        Field.input("reward", \.reward, .reward, default: "the reward stage", "Reward that labels the responses.")
        Field.input("prompts", \.prompts, .rows(.prompts), "Data whose prompts are answered.")
        Field(
            "n_samples_per_prompt", \.nSamplesPerPrompt, .atLeast(2),
            "Responses drawn for a prompt; the best becomes chosen, the worst rejected.")
        embed(\.sampling)
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1), effect: .rounding,
            "Most tokens of one forward pass of the reward model on a rank.")
        embed(\.prompt, default: "the dataset's")
    }
}
