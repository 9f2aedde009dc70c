import Configuration
import PreferenceData
import Runs
import Training

/// Sampling from policies and comparing them under a judge.
package struct EvaluateStage: Stage {
    package static let type = "evaluate"
    package static let leaves: StageOutput? = nil
    package static let keyMetrics = ["mean_reward", "win_rate", "completions/mean_length"]

    package var options = EvaluateOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("policies") {
            let stages = scope.run.stages.filter { $0.stage.leaves == .policy }
            options.policies = (stages.count < 2 ? [.base] : []) + stages.map { .stage($0.name, part: nil) }
        }
        if !scope.given.contains("judge") { options.judge = try scope.reward(from: RewardStage.type, for: "judge") }
        try options.judging.resolve(scope, asked: options.judges.contains(where: \.isJudge), modes: [.pair, .score])
        if !scope.given.contains("pass_threshold"), ResponseAnswer(to: options.judge).isExtracted {
            options.passThreshold = 1
        }
        options.prompt.inherit(scope)
        options.compute.inherit(scope)
        try scope.checkInputs(of: self)
        try checkJudges(scope)
        try options.sampling.checkVariety(scope, samples: options.nSamplesPerPrompt)
        let policies = options.policies
        if let twice = policies.first(where: { policy in policies.count { $0 == policy } > 1 }) {
            throw scope.error("policies", "'\(twice)' is listed twice", "keep one")
        }
        if options.prompts.contains(.dataset(.eval)), scope.run.dataset.eval.isEmpty {
            throw scope.error(
                "prompts", "dataset.eval names no files to take prompts from",
                "list held-out files under dataset: eval:, or give \(scope.name).prompts")
        }
    }

    private func checkJudges(_ scope: StageScope) throws {
        if options.otherJudge == options.judge {
            throw scope.error("other_judge", "is the judge itself", "name another reward, or leave it out")
        }
        if options.passThreshold != nil, options.isComparing(options.judge) {
            throw scope.error(
                "pass_threshold", "has no meaning where responses are compared: none has a score of its own",
                "write judge_options: {mode: score}, or leave it out")
        }
        if options.judges.contains(where: options.isComparing), options.policies.count < 2 {
            throw scope.error(
                "policies", "one policy is compared with nothing",
                "name two, or write judge_options: {mode: score}")
        }
    }

    package func check(at start: StageStart) throws {
        try start.checkReward(options.judge, for: "judge", ofPrompts: options.prompts, limit: options.numPrompts)
        if let other = options.otherJudge {
            try start.checkReward(other, for: "other_judge", ofPrompts: options.prompts, limit: options.numPrompts)
        }
        try start.checkStop(options.sampling.stopToken)
    }

    package var promptPrefix: String { options.promptPrefix }
    package var compute: ComputeOptions? { options.compute }
    package var judging: JudgeOptions? { options.judging }
    package func limits() throws -> LengthLimits { try options.prompt.limits() }
    package var rowLimit: Int? { options.numPrompts }
    package var longestSequence: (length: Int, key: String) {
        (options.prompt.maxPromptLength + options.sampling.responseLength, "response_length")
    }
    package func roles(workers: Int) -> StageRoles { .allSample(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        let count = try planner.counter.prompts(
            options.prompts, options.prompt, limit: options.numPrompts, prefix: promptPrefix)
        return try planner.sampling(
            stage, options.policies, options.judge, count, options.sampling, options.prompt,
            options.nSamplesPerPrompt, options.maxTokensPerMicroBatch, other: options.otherJudge)
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator {
        try EvaluateCoordinator(stage, options, plan)
    }

    package func run(on context: StageContext) throws {
        let prompts = try context.data.prompts(
            options.prompts, options.prompt, limit: options.numPrompts,
            keepsRecords: options.judges.contains(where: \.readsRecords),
            prefix: options.promptPrefix)
        try context.note(prompts.summary)
        var drawn: [SampledResponse] = []
        try context.sampleAndReport(
            policies: options.policies, prompts: prompts, samples: options.nSamplesPerPrompt, options.sampling,
            reward: options.scoring(options.judge), other: options.scoring(options.otherJudge),
            maxTokens: options.maxTokensPerMicroBatch,
            later: prompts.examples.count * options.comparisonsOfPrompt
        ) { drawn += $0 }
        try compare(drawn, to: prompts, on: context)
    }
}
