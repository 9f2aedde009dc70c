import Configuration
import PreferenceData
import Runs
import Torch
import Training

/// Weight arithmetic on two policies: extrapolation, interpolation, and the step of APO's rounds.
///
/// Parameters are read, mixed and written one at a time. With a reward each `alpha` is tried on held-out prompts, whose
/// responses all workers draw and score, and rank zero chooses.
package struct MergeStage: Stage {
    package static let type = "merge"
    package static let leaves: StageOutput? = .policy
    package static let keyMetrics = ["mean_reward", "completions/mean_length"]

    package var options = MergeOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        try options.resolvePolicies(scope)
        try options.resolveScoring(scope)
        options.compute.inherit(scope)
        try scope.checkInputs(of: self)
    }

    /// Checks that the two policies are of one shape, which is known before either is trained, and have all of it.
    package func check(at start: StageStart) throws {
        if let reward = options.reward {
            try start.checkReward(reward, for: "reward", ofPrompts: options.prompts, limit: options.numPrompts)
            try start.checkStop(options.sampling.stopToken)
        }
        let (policy, from) = (options.policy, options.from)
        if options.method == .adapters {
            try start.checkParameters(of: policy)
            guard try start.configuration.outline(ofModel: policy).adapter == nil else { return }
            throw start.configuration.error(
                at: "\(start.name).policy", "\(policy) is no adapter: it has all of its weights already",
                remedy: "leave the stage out, or name what a stage with use_peft leaves")
        }
        let difference = try start.configuration(ofModel: policy).difference(
            from: start.configuration(ofModel: from), named: (policy.description, from.description),
            families: start.configuration.registry.families)
        if let difference {
            throw start.configuration.error(
                at: "\(start.name).from", "its weights cannot be mixed with those of policy: \(difference)",
                remedy: "take two policies that were trained from one model")
        }
        for policy in [policy, from] { try start.checkParameters(of: policy) }
    }

    package var compute: ComputeOptions? { options.compute }
    package var judging: JudgeOptions? { options.judging }
    package func limits() throws -> LengthLimits { try options.prompt.limits() }
    package var rowLimit: Int? { options.numPrompts }
    package var longestSequence: (length: Int, key: String) {
        let length = options.prompt.maxPromptLength + options.sampling.responseLength
        return (options.reward == nil ? 0 : length, "response_length")
    }
    package func roles(workers: Int) -> StageRoles {
        options.reward == nil ? StageRoles(learners: [], samplers: [0]) : .allSample(workers)
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator {
        try MergeCoordinator(stage, options, plan, workers: workers)
    }

    package func run(on context: StageContext) throws {
        guard options.reward != nil || context.isFirst else { return }
        let merged = try MergedPolicy(options, on: context)
        var choice = 0
        if let reward = options.reward {
            try context.together { try sample(merged, reward, on: context) }
            try context.link.send(CandidatesScored())
            guard context.isFirst else { return }
            choice = try context.tracer.measure(.waiting) { try context.link.next(ChosenCandidate.self).message.index }
        }
        if options.reward == nil { try context.begin(total: merged.parameterCount, unit: "tensor") }
        try AtomicDirectory.write(to: context.stage.final) { directory in
            try context.models.save(merged.configuration, to: directory, text: context.text) { name in
                try context.stopAlone()
                if options.reward == nil { try context.link.report(.advanced(1)) }
                return try merged.parameter(name, at: choice)
            }
        }
    }

    /// Draws and scores this worker's share of the responses of every candidate.
    private func sample(_ merged: MergedPolicy, _ reward: ArtifactReference, on context: StageContext) throws {
        let prompts = try context.data.prompts(
            options.prompts, options.prompt, limit: options.numPrompts, keepsRecords: reward.readsRecords)
        try context.note(prompts.summary)
        let candidates = options.alpha.indices.map { index in
            SampledPolicy(name: options.name(ofCandidate: index)) { try merged.model(at: index) }
        }
        try context.sampleAndReport(
            candidates, prompts: prompts, samples: options.nSamplesPerPrompt, options.sampling, reward: reward,
            maxTokens: options.maxTokensPerMicroBatch)
    }
}

// MARK: Forecast

extension MergeStage {
    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        let parameters = try planner.specification(of: options.policy).declarations(head: .languageModel)
        let largest = parameters.map { $0.shape.reduce(1, *) }.max() ?? 0
        var forecast: StageForecast
        if let reward = options.reward {
            let count = try planner.counter.prompts(options.prompts, options.prompt, limit: options.numPrompts)
            forecast = try planner.sampling(
                stage, [options.policy], reward, count, options.sampling, options.prompt, options.nSamplesPerPrompt,
                options.maxTokensPerMicroBatch)
            let candidates = options.alpha.count == 1 ? "1 alpha" : "\(options.alpha.count) alphas"
            forecast.batches.note = "\(candidates) x \(forecast.batches.note)"
        } else {
            forecast = StageForecast(
                configuration: stage,
                roles: [StageForecast.Role(name: "merger", ranks: planner.ranks([0]), memory: MemoryEstimate())],
                batches: Batches(
                    unit: "tensors", count: ExampleCount(examples: parameters.count), learners: 1, maxTokens: 0))
        }
        // Weights are mixed on the host.
        for index in forecast.roles.indices where !forecast.roles[index].memory.isOnCard {
            let mixing = MergedPolicy.bytes(mixing: largest)
            forecast.roles[index].memory.activations = max(forecast.roles[index].memory.activations, mixing)
            // Drawn at random, the base model is not read one parameter at a time.
            if planner.configuration.randomInit, [options.policy, options.from].contains(.base) {
                forecast.roles[index].memory.frozen += try planner.specification(of: .base).parameterBytes(
                    head: .languageModel)
            }
        }
        return forecast
    }
}
