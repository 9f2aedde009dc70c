import Configuration
import Objectives
import Runs
import Training

/// Arithmetic on the weights of two policies, and how one of several results is chosen.
package struct MergeOptions: Sendable, Equatable {
    /// What `alpha` counts from.
    package var method: MergeMethod = .expo
    /// θ_1.
    package var policy = ArtifactReference.unset
    /// θ_0.
    package var from = ArtifactReference.unset
    /// One value, or candidates.
    package var alpha = [0.5]
    /// What scores the candidates; `nil` where none is scored.
    package var reward: ArtifactReference?
    /// Where the prompts come from that candidates answer; none where none is scored.
    package var prompts: [ArtifactReference] = []
    /// How many prompts; `nil` for all.
    package var numPrompts: Int?
    /// Responses drawn for each prompt.
    package var nSamplesPerPrompt = 1
    /// How they are drawn.
    package var sampling = SamplingOptions(responseLength: 128, temperature: 0.7)
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

    /// Where the results lie, in the order of `alpha`.
    package var lines: [WeightLine] { alpha.map(method.line) }
}

extension MergeOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "method", \.method,
            "expo: policy + alpha (policy - from). interpolate: (1 - alpha) from + alpha policy. adapters: policy, which is an "
                + "adapter, merged into its base.")
        Field.input(
            "policy", \.policy, .policy, startsModel: true, default: "the latest stage that leaves a policy",
            "Policy whose weights are moved: for APO's rounds what this round has trained.")
        Field.input(
            "from", \.from, .policy, default: "what policy was trained from",
            "Policy that it is moved away from, or towards: for ExPO the one before alignment, for APO's rounds what the "
                + "round before has trained.")
        Field(
            "alpha", \.alpha, .someWithin(100),
            "How far; of several the one with the highest mean score on prompts, the first of equals. With expo 0 is policy and "
                + "-1 is from, with interpolate 1 and 0, beyond which it does not go.")
        Field.input(
            "reward", \.reward, .reward, isOptional: true,
            default: "the reward stage where alpha has several values, else null", "Reward that scores each alpha.")
        Field.input(
            "prompts", \.prompts, .rows(.prompts), isOptional: true, default: "dataset.eval where there is a reward",
            "Held-out data whose prompts are answered with each alpha.")
        drawing
        embed(\.compute, default: "the run's")
    }

    /// How candidates are drawn from and scored.
    fileprivate static let drawing = Field<Self>.list {
        Field("num_prompts", \.numPrompts, .atLeast(1), "Number of prompts, from the first on; null for all.")
        Field("n_samples_per_prompt", \.nSamplesPerPrompt, .atLeast(1), "Responses drawn for a prompt.")
        embed(\.sampling)
        Field(
            "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1), effect: .rounding,
            "Most tokens of one forward pass of the reward model on a rank.")
        JudgeOptions.block(\.judging)
        embed(\.prompt, default: "the dataset's")
    }
}

/// What `alpha` counts from, on the line through two policies.
package enum MergeMethod: String, Sendable, ConfigurationWord {
    /// Extrapolation: α beyond the policy.
    case expo
    /// Interpolation: the policy's share.
    case interpolate
    /// The policy itself, its adapter merged into its base.
    case adapters

    fileprivate func line(_ alpha: Double) -> WeightLine {
        switch self {
        case .expo: .extrapolation(alpha: alpha)
        case .interpolate: .interpolation(alpha: alpha)
        // All of the way to the policy.
        case .adapters: .interpolation(alpha: 1)
        }
    }
}

extension Constraint<[Double]> {
    /// At least one, and none so far out that weights would be lost in its product.
    fileprivate static func someWithin(_ bound: Double) -> Self {
        let each = Self.each(.between(-bound, bound))
        return Self(description: "not empty, \(each.description)") { !$0.isEmpty && each.holds($0) }
    }
}

// MARK: Checks

extension MergeOptions {
    /// Fills the two policies where they were not given, and checks that they are two.
    ///
    /// - Throws: ``ConfigurationError``
    package mutating func resolvePolicies(_ scope: StageScope) throws {
        if !scope.given.contains("policy") {
            guard let stage = scope.run.stages.last(where: { $0.stage.leaves == .policy }) else {
                throw scope.error(
                    "policy", "no stage before it leaves a policy",
                    "name base or a model directory, and the same for from")
            }
            policy = .stage(stage.name, part: nil)
        }
        if method == .adapters {
            let others = ["from", "alpha", "reward"].filter { scope.given.contains($0) && isSaid($0) }
            if let key = others.first {
                throw scope.error(key, "has no meaning for method adapters: nothing is mixed", "leave it out")
            }
            (from, alpha) = (policy, [1])
            return
        }
        if !scope.given.contains("from") {
            try scope.check(policy, is: .policy, for: "policy")
            guard case .stage(let name, _) = policy, let start = scope.run.stage(named: name)?.initialModel else {
                throw scope.error(
                    "from", "is not given, and nothing tells what \(policy) was trained from",
                    "name that policy, as in from: base")
            }
            from = start
        }
        guard policy != from else {
            throw scope.error("from", "\(from) is policy too, so every alpha gives it back", "name another policy")
        }
    }

    /// Fills the reward and the prompts where candidates are scored, and checks that nothing is said of drawing where not.
    ///
    /// - Throws: ``ConfigurationError``
    package mutating func resolveScoring(_ scope: StageScope) throws {
        if method == .interpolate, let outside = alpha.first(where: { !(0...1).contains($0) }) {
            throw scope.error(
                "alpha", "\(outside) does not lie between from (0) and policy (1)",
                "write one from 0 to 1, or the same as method: expo with alpha: \(HumanFormat.metric(outside - 1))")
        }
        if let twice = alpha.first(where: { value in alpha.count { $0 == value } > 1 }) {
            throw scope.error("alpha", "\(twice) is listed twice", "keep one")
        }
        if reward == nil, alpha.count > 1 {
            guard let stage = try scope.earlier(RewardStage.type, for: "reward") else {
                throw scope.error(
                    "alpha",
                    "has \(alpha.count) values, and nothing chooses between them: no reward stage comes before it",
                    "add one to stages, give reward: a model directory, rule:NAME, command:LINE or openai:URL#MODEL, or keep one value"
                )
            }
            reward = .stage(stage, part: nil)
        }
        guard let reward else { return try checkNothingIsDrawn(scope) }
        try judging.resolve(scope, asked: reward.isJudge)
        prompt.inherit(scope)
        if prompts.isEmpty { prompts = [.dataset(.eval)] }
        if prompts.contains(.dataset(.eval)), scope.run.dataset.eval.isEmpty {
            throw scope.error(
                "prompts", "dataset.eval names no files to take prompts from",
                "list held-out files under dataset: eval:, or give \(scope.name).prompts")
        }
    }

    /// Whether a key says something else than a resolved configuration does where nothing is mixed.
    private func isSaid(_ key: String) -> Bool {
        switch key {
        case "from": from != policy
        case "alpha": alpha != [1]
        default: reward != nil
        }
    }

    private mutating func checkNothingIsDrawn(_ scope: StageScope) throws {
        var standard = MergeOptions()
        standard.prompt = scope.run.dataset.lengths.prompt
        prompt.inherit(scope)
        // A resolved configuration gives every key.
        let said = Self.drawing.filter { !$0.isSame(in: self, as: standard) }.map(\.key)
        if let key = ((prompts.isEmpty ? [] : ["prompts"]) + said).first {
            throw scope.error(
                key, "has no meaning without a reward: no responses are drawn", "leave it out, or give reward")
        }
    }
}
