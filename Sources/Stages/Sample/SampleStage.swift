import Configuration
import PreferenceData
import Runs
import Training

/// Drawing responses and labelling them by reward.
package struct SampleStage: Stage {
    package static let type = "sample"
    package static let leaves: StageOutput? = .pairs(parts: [])
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
        try scope.checkInputs(of: self)
        guard options.sampling.temperature > 0 else {
            throw scope.error("temperature", "0 draws the same response every time", "write 1.0")
        }
        guard options.sampling.topK != 1 else {
            throw scope.error("top_k", "1 draws the same response every time", "write 50, or 0 for all tokens")
        }
        options.prompt.inherit(scope)
    }

    package func check(at start: StageStart) throws {
        try start.checkReward(options.reward, for: "reward")
        try start.checkStop(options.sampling.stopToken)
    }

    package func limits() throws -> LengthLimits { try options.prompt.limits() }
    package var longestSequence: (length: Int, key: String) {
        (options.prompt.maxPromptLength + options.sampling.responseLength, "response_length")
    }
    package func roles(workers: Int) -> StageRoles { .allSample(workers) }
    package func check(in run: RunConfiguration, name: String) throws { try run.checkColumns(ofRowsMadeBy: name) }

    package func expectedRows(part: String?, _ counter: ExampleCounter) throws -> ExampleCount? {
        guard let count = try counter.prompts(options.prompts, options.prompt) else { return nil }
        return ExampleCount(examples: count.examples, isEstimate: true)
    }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        try planner.sampling(
            stage, [options.policy], options.reward, try planner.counter.prompts(options.prompts, options.prompt),
            options.sampling, options.prompt, options.nSamplesPerPrompt, options.maxTokensPerMicroBatch)
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator {
        try SampleCoordinator(stage, options, plan)
    }

    package func run(on context: StageContext) throws {
        let prompts = try context.data.prompts(
            options.prompts, options.prompt, keepsRecords: options.reward.readsRecords)
        try context.note(prompts.summary)
        try context.sampleAndReport(
            policies: [options.policy], prompts: prompts, samples: options.nSamplesPerPrompt, options.sampling,
            reward: options.reward, maxTokens: options.maxTokensPerMicroBatch)
    }
}
