import Configuration
import Runs
import Training

/// Sampling from policies on held-out prompts and comparing them under a judge.
package struct EvaluateOptions: Sendable, Equatable {
    /// The policies, in the order of the table.
    package var policies: [ArtifactReference] = []
    /// The reward that judges.
    package var judge = ArtifactReference.unset
    /// Another reward, whose verdicts are held against the judge's; `nil` for none.
    package var otherJudge: ArtifactReference?
    /// Where the prompts come from.
    package var prompts: [ArtifactReference] = [.dataset(.eval)]
    /// What the policies see in front of each prompt, and nobody else.
    package var promptPrefix = ""
    /// How many prompts; `nil` for all.
    package var numPrompts: Int?
    /// Responses drawn for each prompt.
    package var nSamplesPerPrompt = 1
    /// The score from which a response is right; `nil` where none says so.
    package var passThreshold: Double?
    /// How they are drawn.
    package var sampling = SamplingOptions(responseLength: 128, temperature: 0.7)
    /// Most tokens in one forward pass of the judge.
    package var maxTokensPerMicroBatch = 4096
    /// How long a prompt may be.
    package var prompt = PromptOptions()
    /// How a judge behind a server is asked.
    package var judging = JudgeOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()

    /// The defaults.
    package init() {}
}

extension EvaluateOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "policies", \.policies, .policy, default: "those of all earlier stages, and base where there is only one",
            "Policies to compare: stages, base, or model directories.")
        Field.input(
            "judge", \.judge, .reward, default: "the reward stage",
            "Reward that judges responses; openai:URL#MODEL compares the policies' responses to a prompt in pairs.")
        Field.input(
            "other_judge", \.otherJudge, .reward, isOptional: true, default: "none",
            "Another reward, of which it is told how often its verdicts are the judge's (Cohen's kappa); null for none."
        )
        Field.input("prompts", \.prompts, .rows(.prompts), "Held-out data whose prompts are answered.")
        Field(
            "prompt_prefix", \.promptPrefix,
            "Text in front of each prompt that the policies see, or of a conversation's last question; the judge has the prompt "
                + "without it.")
        Field("num_prompts", \.numPrompts, .atLeast(1), "Number of prompts, from the first on; null for all.")
        Field("n_samples_per_prompt", \.nSamplesPerPrompt, .atLeast(1), "Responses drawn for a prompt.")
        Field(
            "pass_threshold", \.passThreshold,
            default: "1 where the judge is a rule that compares with a column, else null", effect: .concluding,
            "Score from which a response is right: with it maj@1, maj@k and pass@k are told, k being n_samples_per_prompt."
        )
        JudgeOptions.block(\.judging)
        embed(\.sampling)
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1), effect: .rounding,
            "Most tokens of one forward pass of the judge on a rank.")
        embed(\.prompt, default: "the dataset's")
        embed(\.compute, default: "the run's")
    }
}
