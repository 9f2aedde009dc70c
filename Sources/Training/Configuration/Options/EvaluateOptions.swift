import Configuration

/// Sampling from policies on held-out prompts and comparing them under a judge.
public struct EvaluateOptions: Sendable, Equatable {
    /// The policies, in the order of the table.
    public var policies: [ArtifactReference] = []
    /// The reward that judges.
    public var judge = ArtifactReference.unset
    /// Where the prompts come from.
    public var prompts: [ArtifactReference] = [.dataset(.eval)]
    /// How many prompts; `nil` for all.
    public var numPrompts: Int?
    /// Responses drawn for each prompt.
    public var nSamplesPerPrompt = 1
    /// How they are drawn.
    public var sampling = SamplingOptions(responseLength: 128, temperature: 0.7)
    /// Most tokens in one forward pass of the judge.
    public var maxTokensPerMicroBatch = 4096
    /// How long a prompt may be.
    public var prompt = PromptOptions()

    /// The defaults.
    public init() {}
}

extension EvaluateOptions: StageOptionGroup {
    package static let fields = Field<Self>.list {
        Field(
            "policies", \.policies, default: "those of all earlier stages, and base where there is only one",
            "Policies to compare: stages, base, or model directories.")
        Field("judge", \.judge, default: "the reward stage", "Reward that judges responses.")
        Field("prompts", \.prompts, "Held-out data whose prompts are answered.")
        Field("num_prompts", \.numPrompts, .atLeast(1), "Number of prompts, from the first on; null for all.")
        Field("n_samples_per_prompt", \.nSamplesPerPrompt, .atLeast(1), "Responses drawn for a prompt.")
        embed(\.sampling)
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1),
            "Most tokens of one forward pass of the judge on a rank.")
        embed(\.prompt, default: "the dataset's")
    }

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("policies") {
            let stages = scope.run.stages.filter { $0.type.output == .policy }
            policies = (stages.count < 2 ? [.base] : []) + stages.map { .stage($0.name, part: nil) }
        }
        if !scope.given.contains("judge") { judge = try scope.reward(for: "judge") }
        prompt.inherit(scope)
        try scope.check(policies, is: .policy, for: "policies")
        if let twice = policies.first(where: { policy in policies.count { $0 == policy } > 1 }) {
            throw scope.error("policies", "'\(twice)' is listed twice", "keep one")
        }
        try scope.check(judge, is: .reward, for: "judge")
        try scope.check(prompts, is: .rows, for: "prompts")
        if prompts.contains(.dataset(.eval)), scope.run.dataset.eval.isEmpty {
            throw scope.error(
                "prompts", "dataset.eval names no files to take prompts from",
                "list held-out files under dataset: eval:, or give \(scope.name).prompts")
        }
    }

    package var asStageOptions: StageOptions { .evaluate(self) }
}
