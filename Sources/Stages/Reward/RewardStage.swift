import Configuration
import Objectives
import PreferenceData
import Runs
import Training
import Transformers

/// Training of a reward model: on pairs (Bradley & Terry), on demonstrations against a policy's samples (RFT, arXiv 2405.17888), or
/// on both (AIHF, arXiv 2406.06874).
package struct RewardStage: Stage {
    package static let type = "reward"
    package static let leaves: StageOutput? = .rewardModel
    package static let keyMetrics = ["loss", "accuracy", "margin", "eval_accuracy", "learning_rate"]

    package var options = RewardOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        try options.resolveDemonstrations(scope)
        try scope.checkInputs(of: self)
        try options.optimizer.check(scope)
        try options.loop.inherit(
            scope, data: options.pairs + options.demonstrations, metrics: BradleyTerryMetrics.evaluated)
        try options.lengths.inherit(scope)
    }

    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesBestModel: Bool { options.loop.loadBestModelAtEnd }
    package func roles(workers: Int) -> StageRoles { .allLearn(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        try planner.offline(
            stage, options.initial, .score, options.loop, options.optimizer, options.lengths,
            try count(planner.counter), "pairs")
    }

    /// Pairs and demonstrations together; `nil` where one of them is not known.
    private func count(_ counter: ExampleCounter) throws -> ExampleCount? {
        let pairs = try counter.pairs(options.pairs, options.lengths)
        guard !options.demonstrations.isEmpty else { return pairs }
        let demonstrations = try counter.demonstrations(
            options.demonstrations, before: options.samples, options.lengths)
        guard !options.pairs.isEmpty else { return demonstrations }
        return pairs.flatMap { pairs in demonstrations.map { pairs + $0 } }
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) -> any StageCoordinator {
        RewardCoordinator(stage)
    }

    package func run(on context: StageContext) throws {
        let examples = try read(context)
        let eval = try context.evalExamples(options.loop) { try context.data.pairs($0, options.lengths).examples }
        let model = try context.trainable(options.initial, head: .score)
        let objective = RewardObjective(
            loss: BradleyTerryLoss(centeringCoefficient: options.centerRewardsCoefficient ?? 0),
            ranking: options.usedRanking)
        let trainer = OfflineTrainer(
            context: context, model: model, objective: objective, loop: options.loop, optimizer: options.optimizer)
        try trainer.train(examples, eval: eval) {
            try context.models.save(model, to: $0, text: context.text)
        } afterwards: {
            try finish(model, examples, eval, context)
        }
    }

    /// The pairs, and demonstrations before samples behind them.
    private func read(_ context: StageContext) throws -> [TokenizedPair] {
        var examples: [TokenizedPair] = []
        if !options.pairs.isEmpty {
            let data = try context.data.pairs(options.pairs, options.lengths)
            try context.note(data.summary)
            examples = data.examples
        }
        guard !options.demonstrations.isEmpty else { return examples }
        let data: (examples: [TokenizedPair], summary: String)
        do {
            data = try context.data.demonstrations(options.demonstrations, before: options.samples, options.lengths)
        } catch let error as RunError {
            try context.checkTogether(RunError.other("\(context.stage.name): \(error)"))
            throw error
        }
        try context.note(data.summary)
        return examples
            + data.examples.map { pair in
                var pair = pair
                pair.index = RewardObjective.demonstration(pair.index)
                return pair
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
