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
        options.compute.inherit(scope)
        try options.adapter.inherit(scope)
        if options.multiView.isUsed, options.loop.trainBatchSize < 2 {
            throw scope.error(
                "train_batch_size", "1 leaves multi_view no pair of another prompt in a step", "write 2 or more")
        }
    }

    package func check(at start: StageStart) throws {
        try start.check(options.loop.routerAuxLoss, of: options.initial)
        try start.checkSharedPrompts(of: options.demonstrations, and: options.samples)
    }

    package var compute: ComputeOptions? { options.compute }
    package var adapter: AdapterOptions? { options.adapter }
    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesBestModel: Bool { options.loop.loadBestModelAtEnd }
    package func roles(workers: Int) -> StageRoles { .allLearn(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        try planner.offline(
            stage, options.initial, .score,
            auxiliaryHead: auxiliaryHead(try planner.specification(of: options.initial)), options.loop,
            options.optimizer, options.lengths,
            try count(planner.counter), "pairs")
    }

    /// The networks of the multi-view term, where there is one.
    private func auxiliaryHead(_ specification: DecoderSpecification) -> AuxiliaryHead? {
        options.multiView.isUsed ? MultiViewHead.auxiliaryHead(width: specification.width) : nil
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
        var eval = try context.evalExamples(options.loop) { try context.data.pairs($0, options.lengths).examples }
        let specification = try context.models.configuration(of: options.initial).specification
        let model = try context.trainable(
            options.initial, head: .score, auxiliaryHead: auxiliaryHead(specification), options.optimizer)
        let views = try views(examples, &eval, context, width: specification.width)
        let objective = RewardObjective(
            loss: BradleyTerryLoss(centeringCoefficient: options.centerRewardsCoefficient ?? 0),
            ranking: options.usedRanking, views: views)
        let trainer = OfflineTrainer(
            context: context, model: model, objective: objective, loop: options.loop, optimizer: options.optimizer)
        try trainer.train(examples, eval: eval) {
            try context.models.save(model, to: $0, $1, text: context.text)
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

    /// What adds the multi-view term, where there is one; held-out pairs then have indices of their own.
    private func views(
        _ examples: [TokenizedPair], _ eval: inout [TokenizedPair], _ context: StageContext, width: Int
    ) throws -> MultiViewHead? {
        guard options.multiView.isUsed else { return nil }
        let first = (examples.map(\.index).max() ?? 0) + 1
        for place in eval.indices { eval[place].index += max(first, 0) }
        var numbers: [[Int32]: Int] = [:]
        var prompts: [Int: Int] = [:]
        for pair in examples + eval {
            let number = numbers[pair.prompt] ?? numbers.count
            numbers[pair.prompt] = number
            prompts[pair.index] = number
        }
        if Set(examples.map(\.prompt)).count < 2 {
            try context.checkTogether(
                context.configuration.error(
                    at: "\(context.stage.name).multi_view.weight",
                    "the pairs are all of one prompt, and the term tells prompts apart",
                    remedy: "add pairs of other prompts, or leave it out"))
        }
        return MultiViewHead(weight: options.multiView.weight, width: width, seed: context.seed, prompts: prompts)
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
