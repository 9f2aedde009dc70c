import Configuration
import PreferenceData
import Runs
import Training

/// Drawing responses, labelling them by reward, and keeping some.
package struct SampleStage: Stage {
    package static let type = "sample"
    package static let leaves: StageOutput? = .pairs(parts: [])
    package var leaves: StageOutput? { options.keep.makesPairs ? Self.leaves : .completions }
    package static let keyMetrics = ["mean_reward", "completions/mean_length"]

    package var options = SampleOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("policy") {
            options.policy = try scope.policy(from: [SFTStage.type], for: "policy")
        }
        if !scope.given.contains("reward") {
            options.reward = try scope.reward(from: RewardStage.type, for: "reward")
        }
        try options.judging.resolve(scope, asked: options.reward.isJudge, modes: options.judgeModes)
        try scope.checkInputs(of: self)
        try resolveKeep(scope)
        try options.sampling.checkVariety(scope, samples: options.nSamplesPerPrompt)
        options.prompt.inherit(scope)
        options.compute.inherit(scope)
    }

    /// Fills in the threshold, and refuses keys that what is kept does not ask for.
    private mutating func resolveKeep(_ scope: StageScope) throws {
        let keep = options.keep
        guard !keep.makesPairs || options.nSamplesPerPrompt > 1 else {
            throw scope.error(
                "n_samples_per_prompt", "1 response makes no pair",
                "write 2 or more, or keep: above to keep those from a score on")
        }
        guard keep != .clusters || options.nSamplesPerPrompt > 2 else {
            throw scope.error(
                "n_samples_per_prompt",
                "of 2 responses none is left where both agree, and neither agrees where they differ",
                "write 3 or more for clusters, such as 8")
        }
        guard options.keepThreshold == nil || keep != .pairs else {
            throw scope.error(
                "keep_threshold", "is not read with keep: pairs", "write keep: above, all or clusters, or leave it out")
        }
        if keep == .clusters, let share = options.keepThreshold, !(share > 0 && share <= 1) {
            throw scope.error(
                "keep_threshold", "\(share) is no share of a prompt's responses", "write a number above 0, at most 1")
        }
        options.keepThreshold = options.keepThreshold ?? keep.threshold
        guard keep == .all else {
            guard options.returnTokens == SampleOptions().returnTokens else {
                throw scope.error(
                    "return_tokens", "are not read with keep: \(keep.rawValue)", "write keep: all, or leave them out")
            }
            return
        }
        let tokens = options.returnTokens
        guard tokens.count == 2, tokens[0] != tokens[1], !tokens.contains("") else {
            throw scope.error("return_tokens", "are not two different texts", "write [\"[GOOD]\", \"[BAD]\"]")
        }
    }

    package func check(at start: StageStart) throws {
        try start.checkReward(options.reward, for: "reward", ofPrompts: options.prompts)
        try start.checkStop(options.sampling.stopToken)
    }

    package var promptPrefix: String { options.promptPrefix }
    package var compute: ComputeOptions? { options.compute }
    package var judging: JudgeOptions? { options.judging }
    package func limits() throws -> LengthLimits { try options.prompt.limits() }
    package var longestSequence: (length: Int, key: String) {
        (options.prompt.maxPromptLength + options.sampling.responseLength, "response_length")
    }
    package func roles(workers: Int) -> StageRoles { .allSample(workers) }
    package func check(in run: RunConfiguration, name: String) throws { try run.checkColumns(ofRowsMadeBy: name) }

    package func expectedRows(part: String?, _ counter: ExampleCounter) throws -> ExampleCount? {
        guard let count = try counter.prompts(options.prompts, options.prompt, prefix: promptPrefix) else { return nil }
        switch options.keep {
        case .pairs: return ExampleCount(examples: count.examples, isEstimate: true)
        case .all: return ExampleCount(examples: count.examples * options.nSamplesPerPrompt, isEstimate: true)
        case .above, .clusters: return nil
        }
    }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        try planner.sampling(
            stage, [options.policy], options.reward,
            try planner.counter.prompts(options.prompts, options.prompt, prefix: promptPrefix),
            options.sampling, options.prompt, options.nSamplesPerPrompt, options.maxTokensPerMicroBatch)
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator {
        try SampleCoordinator(stage, options, plan)
    }

    package func run(on context: StageContext) throws {
        let prompts = try context.data.prompts(
            options.prompts, options.prompt, keepsRecords: options.reward.readsRecords, prefix: options.promptPrefix)
        try context.note(prompts.summary)
        try context.sampleAndReport(
            policies: [options.policy], prompts: prompts, samples: options.nSamplesPerPrompt, options.sampling,
            reward: options.reward, maxTokens: options.maxTokensPerMicroBatch)
    }
}
