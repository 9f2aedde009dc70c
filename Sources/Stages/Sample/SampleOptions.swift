import Configuration
import Runs
import Training

/// Drawing responses from a policy, scoring them, and keeping of them what a later stage shall learn from.
package struct SampleOptions: Sendable, Equatable {
    /// The policy that is drawn from.
    package var policy = ArtifactReference.base
    /// The reward that labels.
    package var reward = ArtifactReference.unset
    /// Where the prompts come from.
    package var prompts: [ArtifactReference] = [.dataset(.train)]
    /// What the policy sees in front of each prompt, and nobody else.
    package var promptPrefix = ""
    /// Responses drawn for each prompt.
    package var nSamplesPerPrompt = 2
    /// What is kept of them.
    package var keep = SampleKeep.pairs
    /// The score or confidence from which they are kept; `nil` where neither is asked.
    package var keepThreshold: Double?
    /// What prompts of good and of bad samples begin with.
    package var returnTokens = ["[GOOD]", "[BAD]"]
    /// How they are drawn; the defaults are those of the method's authors.
    package var sampling = SamplingOptions(responseLength: 200, temperature: 1, topP: 0.9, topK: 50)
    /// Most tokens in one forward pass of the reward model.
    package var maxTokensPerMicroBatch = 4096
    /// How long a prompt may be.
    package var prompt = PromptOptions()
    /// How a judge behind a server is asked.
    package var judging = JudgeOptions()
    /// Where its models compute.
    package var compute = ComputeOptions()

    /// The defaults.
    package init() {}

    /// What a judge behind a server can be asked, the default first.
    package var judgeModes: [JudgeMode] {
        guard nSamplesPerPrompt > 1 else { return [.score] }
        return nSamplesPerPrompt == 2 && keep == .pairs ? [.pair, .score] : [.score, .pair]
    }

    /// The threshold, once it is resolved.
    package var threshold: Double { keepThreshold ?? keep.threshold ?? 0 }
}

/// What `sample` keeps of the responses to a prompt.
package enum SampleKeep: String, Sendable, ConfigurationWord {
    /// The best over the worst.
    case pairs
    /// All that reach a score, each text once.
    case above
    /// All, behind a token that tells whether they reach it.
    case all
    /// The best of those that agree over one of the others.
    case clusters

    /// Where it begins to keep, where nothing else is said; `nil` where it does not ask.
    var threshold: Double? {
        switch self {
        case .pairs: nil
        case .above, .all: 1
        case .clusters: 0.5
        }
    }

    /// Whether rows have two responses.
    var makesPairs: Bool { self == .pairs || self == .clusters }
}

extension SampleOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field.input(
            "policy", \.policy, .policy, default: "the sft stage, else base", "Policy that responses are drawn from.")
        Field.input("reward", \.reward, .reward, default: "the reward stage", "Reward that labels the responses.")
        Field.input("prompts", \.prompts, .rows(.prompts), "Data whose prompts are answered.")
        Field(
            "prompt_prefix", \.promptPrefix,
            "Text in front of each prompt that the policy sees, or of a conversation's last question; rewards and what is kept "
                + "have the prompt without it.")
        Field(
            "n_samples_per_prompt", \.nSamplesPerPrompt, .atLeast(1),
            "Responses drawn for a prompt; pairs take two or more.")
        Field(
            "keep", \.keep, effect: .concluding,
            "What is kept: the best response over the worst; all from a score on, each text once a prompt, as prompts with "
                + "completions; all, with the token of their class in front of the prompt; or the best response of the largest "
                + "group of equal answers over one of the others.")
        Field(
            "keep_threshold", \.keepThreshold, default: "1 for above and all, 0.5 for clusters", effect: .concluding,
            "Score from which a response is kept, or is good; for clusters the share of the responses that must agree.")
        Field(
            "return_tokens", \.returnTokens, effect: .concluding,
            "Texts in front of the prompts of good and of bad responses, for keep: all.")
        embed(\.sampling)
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1), effect: .rounding,
            "Most tokens of one forward pass of the reward model on a rank.")
        embed(\.prompt, default: "the dataset's")
        JudgeOptions.block(\.judging)
        embed(\.compute, default: "the run's")
    }
}
