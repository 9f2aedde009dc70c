import Foundation
import PreferenceData
import Transformers

/// Finds what each rank does and holds in a stage.
struct StagePlanner {
    let configuration: RunConfiguration
    let ranks: Int
    let counter: ExampleCounter

    private var workerCount: Int { max(1, ranks - 1) }

    func plan(_ stage: StageConfiguration) throws -> RunForecast.Stage {
        switch stage.options {
        case .sft(let options):
            let count = try counter.completions(options.data, options.lengths)
            return try offline(
                stage, options.initial, .languageModel, options.loop, options.optimizer, options.lengths, count,
                "examples")
        case .reward(let options):
            let count = try counter.pairs(options.pairs, options.lengths)
            return try offline(
                stage, options.initial, .score, options.loop, options.optimizer, options.lengths, count, "pairs")
        case .dpo(let options):
            let count = try counter.pairs(options.pairs, options.lengths)
            return try offline(
                stage, options.initial, .languageModel, options.loop, options.optimizer, options.lengths, count,
                "pairs",
                reference: options.reference)
        case .split(let options):
            var memory = MemoryEstimate()
            let count = try counter.pairs(options.pairs, options.lengths)
            let rows = rows(options.maxTokensPerMicroBatch, longest: count?.longest ?? 2 * options.lengths.maxLength)
            try addReward(options.reward, rows, to: &memory)
            return RunForecast.Stage(
                configuration: stage, roles: workers("scorer", memory),
                batches: Batches(
                    unit: "pairs", count: count, learners: workerCount, maxTokens: options.maxTokensPerMicroBatch))
        case .sample(let options):
            return try sampling(
                stage, [options.policy], options.reward, try counter.prompts(options.prompts, options.prompt),
                options.sampling, options.prompt, options.nSamplesPerPrompt, options.maxTokensPerMicroBatch)
        case .evaluate(let options):
            let count = try counter.prompts(options.prompts, options.prompt, limit: options.numPrompts)
            return try sampling(
                stage, options.policies, options.judge, count, options.sampling, options.prompt,
                options.nSamplesPerPrompt, options.maxTokensPerMicroBatch)
        case .ppo(let options): return try ppo(stage, options)
        }
    }

    /// A stage in which every worker learns from a fixed set of examples.
    private func offline(
        _ stage: StageConfiguration, _ initial: ArtifactReference, _ head: DecoderHead, _ loop: TrainingLoopOptions,
        _ optimizer: OptimizerOptions, _ lengths: LengthOptions, _ count: ExampleCounter.Count?, _ unit: String,
        reference: ArtifactReference? = nil
    ) throws -> RunForecast.Stage {
        var memory = MemoryEstimate()
        let longest = count?.longest ?? lengths.maxLength * (unit == "pairs" ? 2 : 1)
        let rows = rows(loop.maxTokensPerMicroBatch, longest: longest)
        try memory.train(
            specification(of: initial), head: head,
            MemoryEstimate.Training(
                rows: rows, zero: optimizer.zero, learners: workerCount, recomputes: loop.gradientCheckpointing))
        if let reference { try memory.compute(specification(of: reference), head: head, rows: rows) }
        var batches = Batches(
            unit: unit, count: count, size: loop.trainBatchSize, learners: workerCount,
            maxTokens: loop.maxTokensPerMicroBatch, steps: loop.maxSteps)
        if batches.steps == nil, let count, count.examples > 0 {
            let order = try DataOrder(count: count.examples, batchSize: loop.trainBatchSize, seed: 0)
            batches.steps = loop.steps(in: order)
        }
        return RunForecast.Stage(configuration: stage, roles: workers("learner", memory), batches: batches)
    }

    /// A stage in which every worker draws responses and scores them.
    private func sampling(
        _ stage: StageConfiguration, _ policies: [ArtifactReference], _ reward: ArtifactReference,
        _ count: ExampleCounter.Count?, _ sampling: SamplingOptions, _ prompt: PromptOptions, _ samples: Int,
        _ maxTokens: Int
    ) throws -> RunForecast.Stage {
        // One policy at a time; the largest counts.
        let needs = try policies.map { policy in
            var memory = MemoryEstimate()
            try addSampler(of: policy, sampling, prompt, to: &memory)
            return memory
        }
        var memory = needs.max { $0.total < $1.total } ?? MemoryEstimate()
        let length = prompt.maxPromptLength + sampling.responseLength
        try addReward(reward, rows(maxTokens, longest: length), to: &memory)
        let policiesText = policies.count > 1 ? "\(policies.count) policies x " : ""
        return RunForecast.Stage(
            configuration: stage, roles: workers("sampler", memory),
            batches: Batches(
                unit: "prompts", count: count, learners: workerCount, maxTokens: maxTokens,
                note: "\(policiesText)\(samples) \(samples == 1 ? "response" : "responses") a prompt"))
    }

    private func ppo(_ stage: StageConfiguration, _ options: PPOOptions) throws -> RunForecast.Stage {
        let placement = PPOPlacement(options.placement, workerCount: workerCount)
        let length = options.prompt.maxPromptLength + options.sampling.responseLength
        let rows = rows(options.maxTokensPerMicroBatch, longest: length)
        var learner = MemoryEstimate()
        let training = MemoryEstimate.Training(
            rows: rows, zero: options.optimizer.zero, learners: placement.learners.count,
            recomputes: options.gradientCheckpointing)
        try learner.train(specification(of: options.initial), head: .languageModel, training)
        try learner.train(specification(of: options.criticInitial), head: .score, training)
        var sampler = placement.isColocated ? learner : MemoryEstimate()
        // A colocated rank samples from the policy that it trains.
        let policy = try specification(of: options.initial)
        if !placement.isColocated { sampler.compute(policy, head: .languageModel, rows: prefillRows(options.prompt)) }
        sampler.generate(policy, slots: options.sampling.generationBatchSize, capacity: length)
        try sampler.compute(specification(of: options.reference), head: .languageModel, rows: rows)
        try addReward(options.reward, rows, to: &sampler)
        let roles =
            placement.isColocated
            ? workers("learner and sampler", sampler)
            : [
                RunForecast.Role(name: "learner", ranks: ranks(placement.learners), memory: learner),
                RunForecast.Role(name: "rollout", ranks: ranks(placement.rollouts), memory: sampler),
            ]
        let count = try counter.prompts(options.prompts, options.prompt)
        let rollouts = options.rollouts
        let updates = rollouts.numPPOEpochs * rollouts.numMiniBatches
        var batches = Batches(
            unit: "prompts",
            count: count.map { ExampleCounter.Count(examples: $0.examples, isEstimate: $0.isEstimate) },
            size: rollouts.rolloutBatchSize, learners: placement.learners.count,
            maxTokens: options.maxTokensPerMicroBatch, steps: rollouts.fixedSteps,
            note: "\(rollouts.rolloutBatchSize) prompts x \(rollouts.nSamplesPerPrompt) = \(options.responsesPerStep) "
                + "responses; \(rollouts.numPPOEpochs) epochs x \(rollouts.numMiniBatches) mini-batches of "
                + "\(options.responsesPerStep / rollouts.numMiniBatches) = \(updates) updates")
        if batches.steps == nil, let count, count.examples > 0 {
            let order = try DataOrder(count: count.examples, batchSize: rollouts.rolloutBatchSize, seed: 0)
            batches.steps = rollouts.steps(in: order)
        }
        return RunForecast.Stage(configuration: stage, roles: roles, batches: batches)
    }

    private func addSampler(
        of policy: ArtifactReference, _ sampling: SamplingOptions, _ prompt: PromptOptions,
        to memory: inout MemoryEstimate
    ) throws {
        let policy = try specification(of: policy)
        memory.compute(policy, head: .languageModel, rows: prefillRows(prompt))
        memory.generate(
            policy, slots: sampling.generationBatchSize,
            capacity: prompt.maxPromptLength + sampling.responseLength)
    }

    private func addReward(_ reward: ArtifactReference, _ rows: Int, to memory: inout MemoryEstimate) throws {
        switch reward {
        case .rule, .command: return
        default: memory.compute(try specification(of: reward), head: .score, rows: rows)
        }
    }

    /// The shape of a model; one that a stage leaves has that of what the stage starts from.
    private func specification(of reference: ArtifactReference) throws -> DecoderSpecification {
        if case .stage(let name, _) = reference, let stage = configuration.stage(named: name),
            let initial = stage.initialModel
        {
            return try specification(of: initial)
        }
        return DecoderSpecification(
            try ModelConfiguration(directory: RunFiles(RunPlan(configuration)).model(reference)))
    }

    /// Prompts enter the cache in passes of some two thousand tokens.
    private func prefillRows(_ prompt: PromptOptions) -> Int { max(2048, prompt.maxPromptLength) }

    /// An example larger than a micro-batch has one of its own.
    private func rows(_ maxTokens: Int, longest: Int) -> Int { max(maxTokens, longest) }

    /// All workers in one role.
    private func workers(_ name: String, _ memory: MemoryEstimate) -> [RunForecast.Role] {
        [RunForecast.Role(name: name, ranks: ranks(Array(0..<workerCount)), memory: memory)]
    }

    /// The ranks of neighbouring workers; a process alone is rank zero and worker zero.
    private func ranks(_ workers: [Int]) -> ClosedRange<Int> {
        let first = ranks == 1 ? 0 : 1
        return first + (workers.first ?? 0)...first + (workers.last ?? 0)
    }
}

extension StageConfiguration {
    /// The model that the stage's own one starts from; `nil` for a stage that leaves none.
    fileprivate var initialModel: ArtifactReference? {
        switch options {
        case .sft(let options): options.initial
        case .reward(let options): options.initial
        case .dpo(let options): options.initial
        case .ppo(let options): options.initial
        case .sample, .split, .evaluate: nil
        }
    }
}
