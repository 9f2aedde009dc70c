import Configuration
import PreferenceData
import Runs
import Training

/// Splitting pairs by reward gap into easy and difficult.
package struct SplitStage: Stage {
    package static let type = "split"
    package static let leaves: StageOutput? = .pairs(parts: ["easy", "difficult"])
    package static let keyMetrics = ["accuracy", "gap", "easy"]

    package var options = SplitOptions()

    package init() {}

    /// The threshold where neither it nor a quantile is given: what the method's authors used for HH-RLHF.
    private static let defaultGamma = 1.0

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("pairs") {
            options.pairs = try scope.rows(from: [(SampleStage.type, nil)], for: "pairs")
        }
        if !scope.given.contains("reward") {
            options.reward = try scope.reward(from: RewardStage.type, for: "reward")
        }
        try options.judging.resolve(scope, asked: options.reward.isJudge)
        try scope.checkInputs(of: self)
        guard options.gamma == nil || options.quantile == nil else {
            throw scope.error("quantile", "given together with gamma", "keep one of the two, and null for the other")
        }
        if options.gamma == nil, options.quantile == nil { options.gamma = Self.defaultGamma }
        try options.lengths.inherit(scope)
        options.compute.inherit(scope)
    }

    /// Checks that no stage reads a part that is empty whatever the pairs.
    package func check(in run: RunConfiguration, name: String) throws {
        guard let reader = run.reader(ofPart: "difficult", of: name), options.gamma == 0 || options.quantile == 0 else {
            return
        }
        throw run.error(
            at: "\(name).\(options.gamma == 0 ? "gamma" : "quantile")",
            "0 makes every pair easy, but \(reader) reads \(name).difficult",
            remedy: "write a larger number, or let \(reader) read something else")
    }

    package func check(at start: StageStart) throws {
        try start.checkReward(options.reward, for: "reward", ofPairs: options.pairs)
    }
    package var compute: ComputeOptions? { options.compute }
    package var judging: JudgeOptions? { options.judging }
    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesOrder: Bool { options.order == .easyToHard }
    package func roles(workers: Int) -> StageRoles { .allSample(workers) }

    package func expectedRows(part: String?, _ counter: ExampleCounter) throws -> ExampleCount? {
        guard let quantile = options.quantile, let count = try counter.pairs(options.pairs, options.lengths) else {
            return nil
        }
        let difficult = Int((Double(count.examples) * quantile).rounded())
        let examples = part == "difficult" ? difficult : count.examples - difficult
        // Its share of the tokens that the pairs have on average.
        let tokens = count.predictedTokens.map { $0 * examples / max(1, count.examples) }
        return ExampleCount(examples: examples, predictedTokens: tokens, isEstimate: true)
    }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        var memory = planner.memory(of: stage)
        let count = try planner.counter.pairs(options.pairs, options.lengths)
        let rows = planner.rows(
            options.maxTokensPerMicroBatch, longest: count?.longest ?? 2 * options.lengths.maxLength,
            examples: count.known)
        try planner.addReward(options.reward, in: stage, rows, to: &memory)
        return StageForecast(
            configuration: stage, roles: planner.workers("scorer", memory),
            batches: Batches(
                unit: "pairs", count: count, learners: planner.workerCount, maxTokens: options.maxTokensPerMicroBatch))
    }

    package func coordinator(_ stage: PlannedStage, _ plan: RunPlan, workers: Int) throws -> any StageCoordinator {
        try SplitCoordinator(stage, options, plan)
    }

    /// Pairs between two signs of life: small parts, so that progress shows and a stop does not wait long.
    private static let partSize = 16

    package func run(on context: StageContext) throws {
        let data = try context.data.pairs(options.pairs, options.lengths, keepsRecords: options.reward.readsRecords)
        try context.note(data.summary)
        let mine = context.workers.share(of: data.examples) { $0 }.filter {
            !context.done.contains(ItemKey(index: $0.index))
        }
        let score = try context.pairScoring(
            options.reward, maxTokens: options.maxTokensPerMicroBatch, isLeft: true)
        try context.begin(total: data.examples.count, unit: "pair", step: context.done.count)
        for start in stride(from: 0, to: mine.count, by: Self.partSize) {
            try context.stopAlone()
            let part = Array(mine[start..<min(mine.count, start + Self.partSize)])
            try context.link.send(ItemScoresMessage(try score(part, data.records)))
            try context.link.report(.advanced(part.count))
        }
    }
}
