import PreferenceData
import Runs
import Training
import Transformers

extension OnlineDPOStage {
    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        let placement = OnlinePlacement(options.placement, workerCount: planner.workerCount)
        let rollouts = options.rollouts
        let count = try planner.counter.prompts(options.prompts, options.prompt)
        let prompts = count.limiting(rollouts.rolloutBatchSize)
        let prompt = count?.longest ?? options.prompt.maxPromptLength
        let length = prompt + options.sampling.responseLength
        func rows(longest: Int, examples: Int, over ranks: [Int]) -> Int {
            planner.rows(
                options.maxTokensPerMicroBatch, longest: longest, examples: examples, learners: ranks.count)
        }
        let pairRows = rows(
            longest: length + options.sampling.responseLength, examples: prompts, over: placement.learners)
        var learner = planner.memory(of: stage)
        try learner.train(
            planner.model(options.initial, in: stage, .here), head: .languageModel,
            MemoryEstimate.Training(
                rows: pairRows, zero: options.optimizer.zero, learners: placement.learners.count,
                recomputes: options.gradientCheckpointing))
        if let reward = options.taughtReward {
            try learner.train(
                planner.model(reward, in: stage, .here), head: .score,
                MemoryEstimate.Training(
                    rows: pairRows, zero: 0, learners: placement.learners.count, recomputes: false))
        }
        if let gold = options.rewardUpdate.gold { try planner.addReward(gold, in: stage, pairRows, to: &learner) }
        for reference in options.compared.frozen {
            try learner.compute(planner.model(reference, in: stage, .none), head: .languageModel, rows: pairRows)
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
        // A colocated rank scores with the reward model that it trains.
        for reward in options.rewards.sources where !placement.isColocated || reward != options.taughtReward {
            let responses = prompts * rollouts.nSamplesPerPrompt
            try planner.addReward(
                reward, in: stage, rows(longest: length, examples: responses, over: placement.rollouts), to: &sampler)
        }
        var batches = Batches(
            unit: "prompts",
            count: count.map { ExampleCount(examples: $0.examples, isEstimate: $0.isEstimate) },
            size: prompts, learners: placement.learners.count, maxTokens: options.maxTokensPerMicroBatch,
            steps: rollouts.fixedSteps, note: options.arithmetic(prompts: prompts))
        batches.steps = try batches.steps ?? rollouts.steps(ofPrompts: count?.examples ?? 0)
        return StageForecast(
            configuration: stage, roles: planner.roles(placement, learner: learner, sampler: sampler),
            batches: batches)
    }
}

extension OnlineDPOOptions {
    /// What a step of so many prompts is made of.
    fileprivate func arithmetic(prompts: Int) -> String {
        let drawn = drawn(of: prompts)
        let given = drawn < prompts ? ", \(prompts - drawn) of the data" : ""
        return
            "\(drawn) prompts x \(rollouts.nSamplesPerPrompt) = \(drawn * rollouts.nSamplesPerPrompt) responses; at most "
            + "\(HumanFormat.counted(drawn * pairsOfPrompt, "drawn pair"))\(given); \(HumanFormat.counted(updates(ofSteps: 1), "update"))"
    }
}
