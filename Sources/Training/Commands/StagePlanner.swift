import Foundation
import PreferenceData
import Transformers

/// Finds what each rank does and holds in a stage.
package struct StagePlanner {
    package let configuration: RunConfiguration
    package let ranks: Int
    package let counter: ExampleCounter

    private var workerCount: Int { max(1, ranks - 1) }

    package func plan(_ stage: StageConfiguration) throws -> RunForecast.Stage {
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
            let rows = rows(
                options.maxTokensPerMicroBatch, longest: count?.longest ?? 2 * options.lengths.maxLength,
                examples: count.known)
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
        let size = count.limiting(loop.trainBatchSize)
        let rows = rows(loop.maxTokensPerMicroBatch, longest: longest, examples: size, learners: workerCount)
        try memory.train(
            specification(of: initial), head: head,
            MemoryEstimate.Training(
                rows: rows, zero: optimizer.zero, learners: workerCount, recomputes: loop.gradientCheckpointing))
        // Held-out data, and all of it under the reference, is gone through in full micro-batches.
        let most = self.rows(loop.maxTokensPerMicroBatch, longest: longest, examples: nil)
        try memory.evaluate(specification(of: initial), head: head, rows: most)
        if let reference { try memory.compute(specification(of: reference), head: head, rows: most) }
        var batches = Batches(
            unit: unit, count: count, size: size, learners: workerCount,
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
        let length = (count?.longest ?? prompt.maxPromptLength) + sampling.responseLength
        // One policy at a time; the largest counts.
        let needs = try policies.map { policy in
            var memory = MemoryEstimate()
            let policy = try specification(of: policy)
            memory.compute(policy, head: .languageModel, rows: prefillRows(prompt))
            memory.generate(policy, slots: sampling.generationBatchSize, capacity: length)
            return memory
        }
        var memory = needs.max { $0.total < $1.total } ?? MemoryEstimate()
        try addReward(reward, rows(maxTokens, longest: length, examples: count.known.map { $0 * samples }), to: &memory)
        let policiesText = policies.count > 1 ? "\(policies.count) policies x " : ""
        return RunForecast.Stage(
            configuration: stage, roles: workers("sampler", memory),
            batches: Batches(
                unit: "prompts", count: count, learners: workerCount, maxTokens: maxTokens,
                note: "\(policiesText)\(samples) \(samples == 1 ? "response" : "responses") a prompt"))
    }

    private func ppo(_ stage: StageConfiguration, _ options: PPOOptions) throws -> RunForecast.Stage {
        let placement = PPOPlacement(options.placement, workerCount: workerCount)
        let rollouts = options.rollouts
        let count = try counter.prompts(options.prompts, options.prompt)
        let prompts = count.limiting(rollouts.rolloutBatchSize)
        let responses = prompts * rollouts.nSamplesPerPrompt
        let length = (count?.longest ?? options.prompt.maxPromptLength) + options.sampling.responseLength
        func rows(over ranks: [Int]) -> Int {
            self.rows(options.maxTokensPerMicroBatch, longest: length, examples: responses, learners: ranks.count)
        }
        var learner = MemoryEstimate()
        let training = MemoryEstimate.Training(
            rows: rows(over: placement.learners), zero: options.optimizer.zero, learners: placement.learners.count,
            recomputes: options.gradientCheckpointing)
        try learner.train(specification(of: options.initial), head: .languageModel, training)
        try learner.train(specification(of: options.criticInitial), head: .score, training)
        var sampler = placement.isColocated ? learner : MemoryEstimate()
        // A colocated rank samples from the policy that it trains.
        let policy = try specification(of: options.initial)
        if !placement.isColocated { sampler.compute(policy, head: .languageModel, rows: prefillRows(options.prompt)) }
        sampler.generate(policy, slots: options.sampling.generationBatchSize, capacity: length)
        try sampler.compute(
            specification(of: options.reference), head: .languageModel, rows: rows(over: placement.rollouts))
        try addReward(options.reward, rows(over: placement.rollouts), to: &sampler)
        let roles =
            placement.isColocated
            ? workers("learner and sampler", sampler)
            : [
                RunForecast.Role(name: "learner", ranks: ranks(placement.learners), memory: learner),
                RunForecast.Role(name: "rollout", ranks: ranks(placement.rollouts), memory: sampler),
            ]
        var batches = Batches(
            unit: "prompts",
            count: count.map { ExampleCounter.Count(examples: $0.examples, isEstimate: $0.isEstimate) },
            size: prompts, learners: placement.learners.count,
            maxTokens: options.maxTokensPerMicroBatch, steps: rollouts.fixedSteps,
            note: rollouts.arithmetic(prompts: prompts, of: count.known),
            warning: options.sampling.truncationWarning(vocabularySize: policy.vocabularySize))
        if batches.steps == nil, let count, count.examples > 0 {
            let order = try DataOrder(count: count.examples, batchSize: rollouts.rolloutBatchSize, seed: 0)
            batches.steps = rollouts.steps(in: order)
        }
        return RunForecast.Stage(configuration: stage, roles: roles, batches: batches)
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

    /// Most tokens of a pass: no more than a step's examples have where those are known, and at least one example, since one
    /// larger than a micro-batch has a pass of its own.
    private func rows(_ maxTokens: Int, longest: Int, examples: Int?, learners: Int = 1) -> Int {
        guard let examples else { return max(maxTokens, longest) }
        // Shares are even but for less than an example; with several learners the largest may have one more.
        let share = Double(examples) / Double(learners) + (learners > 1 ? 1 : 0)
        return max(longest, Int(min(Double(maxTokens), (share * Double(longest)).rounded(.up))))
    }

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

extension ExampleCounter.Count? {
    /// The examples, where they are counted and not estimated.
    fileprivate var known: Int? { flatMap { $0.isEstimate ? nil : $0.examples } }

    /// A batch of `size`, or all examples where those are fewer.
    fileprivate func limiting(_ size: Int) -> Int { known.map { Swift.max(1, Swift.min(size, $0)) } ?? size }
}

extension PPORolloutOptions {
    /// What a step of so many prompts is made of.
    ///
    /// - Parameter count: All prompts, where they are counted.
    fileprivate func arithmetic(prompts: Int, of count: Int?) -> String {
        let responses = prompts * nSamplesPerPrompt
        let updates = Swift.min(numMiniBatches, responses)
        let (size, rest) = responses.quotientAndRemainder(dividingBy: updates)
        let rests = count.map { $0 % prompts } ?? 0
        return "\(prompts) prompts x \(nSamplesPerPrompt) = \(responses) responses; \(numPPOEpochs) epochs x "
            + "\(updates) mini-batches of \(size)\(rest > 0 ? "-\(size + 1)" : "") = \(numPPOEpochs * updates) updates"
            + (rests > 0 ? "; the last step of an epoch has \(rests) of the \(count ?? 0) prompts" : "")
    }
}
