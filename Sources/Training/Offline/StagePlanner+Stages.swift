import PreferenceData
import Runs
import Transformers

extension StagePlanner {
    /// A stage in which every worker learns from a fixed set of examples.
    ///
    /// - Parameters:
    ///   - responses: The most responses of an example, variants of them included.
    ///   - longestAsked: The most tokens that a frozen model may be asked about at once; those of the longest example where it is
    ///     not said.
    package func offline(
        _ stage: StageConfiguration, _ initial: ArtifactReference, _ head: DecoderHead,
        auxiliaryHead: AuxiliaryHead? = nil, _ loop: TrainingLoopOptions, _ optimizer: OptimizerOptions,
        _ lengths: LengthOptions, _ count: ExampleCount?, _ unit: String, responses: Int? = nil,
        references: [ArtifactReference] = [], reward: ArtifactReference? = nil, longestAsked: Int? = nil
    ) throws -> StageForecast {
        var memory = self.memory(of: stage)
        let longest = count?.longest ?? lengths.maxLength * (responses ?? (unit == "pairs" ? 2 : 1))
        let size = count.limiting(loop.trainBatchSize)
        let rows = rows(loop.maxTokensPerMicroBatch, longest: longest, examples: size, learners: workerCount)
        try memory.train(
            model(initial, in: stage, .here), head: head, auxiliaryHead: auxiliaryHead,
            MemoryEstimate.Training(
                rows: rows, zero: optimizer.zero, learners: workerCount, recomputes: loop.gradientCheckpointing))
        // Held-out data, and all of it under the reference, is gone through in full micro-batches.
        let most = { self.rows(loop.maxTokensPerMicroBatch, longest: $0, examples: nil) }
        try memory.evaluate(specification(of: initial), head: head, rows: most(longest))
        let rewards = [reward].compactMap(\.self).filter(\.isModel)
        try memory.compute(
            inTurns: references.map { (try model($0, in: stage, .none), head) }
                + rewards.map { (try model($0, in: stage, .none), .score) }, rows: most(longestAsked ?? longest))
        var batches = Batches(
            unit: unit, count: count, size: size, learners: workerCount,
            maxTokens: loop.maxTokensPerMicroBatch, steps: loop.maxSteps)
        if batches.steps == nil, let count, count.examples > 0 {
            let order = try DataOrder(count: count.examples, batchSize: loop.trainBatchSize, seed: 0)
            batches.steps = loop.steps(in: order)
        }
        return StageForecast(configuration: stage, roles: workers("learner", memory), batches: batches)
    }

    /// A stage in which every worker draws responses and scores them.
    ///
    /// - Parameter other: What scores them beside the reward.
    package func sampling(
        _ stage: StageConfiguration, _ policies: [ArtifactReference], _ reward: ArtifactReference,
        _ count: ExampleCount?, _ sampling: SamplingOptions, _ prompt: PromptOptions, _ samples: Int,
        _ maxTokens: Int, other: ArtifactReference? = nil
    ) throws -> StageForecast {
        let length = (count?.longest ?? prompt.maxPromptLength) + sampling.responseLength
        // One policy at a time; the largest counts.
        let needs = try policies.map { policy in
            var memory = self.memory(of: stage)
            let policy = try model(policy, in: stage, .none)
            memory.compute(policy, head: .languageModel, rows: prefillRows(prompt))
            memory.generate(policy.specification, slots: sampling.generationBatchSize, capacity: length)
            return memory
        }
        var memory = needs.max { $0.total < $1.total } ?? self.memory(of: stage)
        let rows = rows(maxTokens, longest: length, examples: count.known.map { $0 * samples })
        for reward in [reward, other].compactMap(\.self) { try addReward(reward, in: stage, rows, to: &memory) }
        let policiesText = policies.count > 1 ? "\(policies.count) policies x " : ""
        return StageForecast(
            configuration: stage, roles: workers("sampler", memory),
            batches: Batches(
                unit: "prompts", count: count, learners: workerCount, maxTokens: maxTokens,
                note: "\(policiesText)\(samples) \(samples == 1 ? "response" : "responses") a prompt"))
    }

    package func addReward(
        _ reward: ArtifactReference, in stage: StageConfiguration, _ rows: Int, to memory: inout MemoryEstimate
    ) throws {
        guard reward.isModel else { return }
        memory.compute(try model(reward, in: stage, .none), head: .score, rows: rows)
    }
}
