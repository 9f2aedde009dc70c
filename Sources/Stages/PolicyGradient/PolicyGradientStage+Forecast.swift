import PreferenceData
import Runs
import Training
import Transformers

extension PolicyGradientStage {
    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        let placement = OnlinePlacement(options.placement, workerCount: planner.workerCount)
        let rollouts = options.rollouts
        let count = try planner.counter.prompts(options.prompts, options.prompt)
        let prompts = count.limiting(rollouts.rolloutBatchSize)
        let responses = prompts * rollouts.nSamplesPerPrompt
        let length = (count?.longest ?? options.prompt.maxPromptLength) + options.sampling.responseLength
        func rows(over ranks: [Int]) -> Int {
            planner.rows(options.maxTokensPerMicroBatch, longest: length, examples: responses, learners: ranks.count)
        }
        var learner = planner.memory(of: stage)
        let training = MemoryEstimate.Training(
            rows: rows(over: placement.learners), zero: options.optimizer.zero, learners: placement.learners.count,
            recomputes: options.gradientCheckpointing)
        try learner.train(planner.model(options.initial, in: stage, .here), head: .languageModel, training)
        if let critic = options.criticInitial {
            try learner.train(planner.model(critic, in: stage, .here), head: .score, training)
        }
        if options.referenceSync.isOn, !placement.isColocated, let reference = options.reference {
            try learner.compute(planner.model(reference, in: stage, .elsewhere), head: .languageModel, rows: 0)
        }
        var sampler = placement.isColocated ? learner : planner.memory(of: stage)
        // A colocated rank samples from the policy that it trains.
        let policy = try planner.specification(of: options.initial)
        if !placement.isColocated {
            try sampler.compute(
                planner.model(options.initial, in: stage, .elsewhere), head: .languageModel,
                rows: planner.prefillRows(options.prompt), isRounded: options.optimizer.roundsWeights)
        }
        sampler.generate(policy, slots: options.sampling.generationBatchSize, capacity: length)
        if let reference = options.reference {
            try sampler.compute(
                planner.model(reference, in: stage, .none), head: .languageModel, rows: rows(over: placement.rollouts))
        }
        for reward in options.rewards.sources {
            try planner.addReward(reward, in: stage, rows(over: placement.rollouts), to: &sampler)
        }
        var batches = Batches(
            unit: "prompts",
            count: count.map { ExampleCount(examples: $0.examples, isEstimate: $0.isEstimate) },
            size: prompts, learners: placement.learners.count,
            maxTokens: options.maxTokensPerMicroBatch, steps: rollouts.fixedSteps,
            note: rollouts.arithmetic(prompts: prompts, of: count.known),
            warning: options.sampling.truncationWarning(vocabularySize: policy.vocabularySize))
        batches.steps = try batches.steps ?? rollouts.steps(ofPrompts: count?.examples ?? 0)
        return StageForecast(
            configuration: stage, roles: planner.roles(placement, learner: learner, sampler: sampler),
            batches: batches)
    }
}

extension RolloutStepOptions {
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
