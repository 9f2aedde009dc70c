import Configuration
import Objectives
import PreferenceData
import Runs
import Training
import Transformers

/// Bradley-Terry training of a reward model.
package struct RewardStage: Stage {
    package static let type = "reward"
    package static let leaves: StageOutput? = .rewardModel
    package static let keyMetrics = ["loss", "accuracy", "margin", "eval_accuracy", "learning_rate"]

    package var options = RewardOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        try scope.checkInputs(of: self)
        try options.optimizer.check(scope)
        try options.loop.inherit(scope, data: options.pairs, metrics: BradleyTerryMetrics.names)
        try options.lengths.inherit(scope)
    }

    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesBestModel: Bool { options.loop.loadBestModelAtEnd }
    package func roles(workers: Int) -> StageRoles { .allLearn(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        try planner.offline(
            stage, options.initial, .score, options.loop, options.optimizer, options.lengths,
            try planner.counter.pairs(options.pairs, options.lengths), "pairs")
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) -> any StageCoordinator {
        RewardCoordinator(stage)
    }

    package func run(on context: StageContext) throws {
        let data = try context.data.pairs(options.pairs, options.lengths)
        try context.note(data.summary)
        let eval = try context.evalExamples(options.loop) { try context.data.pairs($0, options.lengths).examples }
        let model = try context.trainable(options.initial, head: .score)
        let objective = RewardObjective(
            loss: BradleyTerryLoss(centeringCoefficient: options.centerRewardsCoefficient ?? 0))
        let trainer = OfflineTrainer(
            context: context, model: model, objective: objective, loop: options.loop, optimizer: options.optimizer)
        try trainer.train(data.examples, eval: eval) {
            try context.models.save(model, to: $0, text: context.text)
        } afterwards: {
            try finish(model, data.examples, eval, context)
        }
    }

    /// Training pairs that the mean and spread of the scores are taken on.
    private static let statisticsSample = 512

    /// Takes the mean and spread of the scores on training data, and the accuracy on held-out pairs by gap.
    ///
    /// - Throws: ``StageStopped``, on all workers.
    private func finish(
        _ model: DecoderModel, _ examples: [TokenizedPair], _ eval: [TokenizedPair], _ context: StageContext
    ) throws {
        let workers = context.workers
        let scorer = ModelScorer(model, named: context.stage.name, maxTokens: options.loop.maxTokensPerMicroBatch)
        var moments = Moments()
        // A sample is enough for a mean, and scoring all may take longer than training did.
        let sample = permutation(count: examples.count, seed: context.seed, epoch: 0).prefix(Self.statisticsSample)
        let share = workers.share(of: sample.map { examples[$0] }) { $0 }
        for pair in try context.interruptible({ try scorer.pairScores(share, while: $0) }) {
            moments.add(pair.chosenReward)
            moments.add(pair.rejectedReward)
        }
        moments = try moments.reduced(over: workers)
        var statistics = RewardStatistics(mean: moments.mean, std: moments.variance.squareRoot())
        statistics.isSubtracted = options.normalizeReward
        if context.isFirst { try statistics.add(to: context.stage.final) }
        try context.note(
            "reward mean \(HumanFormat.metric(statistics.mean)), std \(HumanFormat.metric(statistics.std))")
        guard !eval.isEmpty else { return }
        let heldOut = workers.share(of: eval) { $0 }
        let scored = try context.interruptible { try scorer.pairScores(heldOut, while: $0) }
        try context.link.send(ItemScoresMessage(scored))
    }
}
