import Configuration
import Objectives
import PreferenceData
import Runs
import Torch
import Training

/// Direct Preference Optimization, by any loss of a registry.
package struct DPOStage: Stage {
    package static let type = "dpo"
    package static let leaves: StageOutput? = .policy
    package static let keyMetrics = [
        "loss", "rewards/accuracies", "rewards/margins", "logps/chosen", "learning_rate",
    ]

    package var options: DPOOptions

    /// - Parameter losses: The losses that `loss_type` chooses from.
    package init(losses: PreferenceLosses = .standard) { options = DPOOptions(losses: losses) }

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("init") {
            options.initial = try scope.policy(from: [SFTStage.type], for: "init")
        }
        if !scope.given.contains("pairs") {
            options.pairs = try scope.rows(
                from: [(BridgeStage.type, nil), (SplitStage.type, "easy"), (SampleStage.type, nil)], for: "pairs")
        }
        try options.judging.resolve(scope, asked: options.auxiliaryReward?.isJudge ?? false)
        try scope.checkInputs(of: self)
        try options.checkLoss(scope)
        try options.optimizer.check(scope)
        let metrics = DPOMetrics.names(of: options.loss)
        try options.loop.inherit(scope, data: options.pairs, metrics: metrics)
        try options.lengths.inherit(scope)
        options.compute.inherit(scope)
        try options.adapter.inherit(scope)
    }

    /// Looks whether the data's sums under a reference are whole, and of a reference that can be known yet.
    package func check(at start: StageStart) throws {
        try start.check(options.loop.routerAuxLoss, of: options.initial)
        if options.loss.needs.variants != nil {
            try start.checkFixedPositions(of: options.initial, upTo: options.lengths.maxLength)
        }
        if let reward = options.auxiliaryReward {
            try start.checkReward(reward, for: "hpo.reward", ofPairs: options.pairs + options.loop.evalData)
        }
        guard options.compared.frozen.count == 1, ReferenceColumns(options.loss.needs).isEmpty else { return }
        for references in [options.pairs, options.loop.evalData] {
            let source = try GivenReferenceLogps.check(
                references.flatMap(start.sources), onBadRecord: start.configuration.dataset.onBadRecord,
                columns: start.configuration.dataset.columns)
            guard let source, case .stage(let name, _)? = options.compared.reference, !start.hasModel(ofStage: name)
            else {
                continue
            }
            throw start.configuration.error(
                at: "\(start.name).reference",
                "\(source) has 'ref_chosen_logps', which cannot be of stage '\(name)', for that is yet to be trained",
                remedy: "take the columns out to have them computed, or name the reference that they are of")
        }
    }

    package var compute: ComputeOptions? { options.compute }
    package var judging: JudgeOptions? { options.judging }
    package var adapter: AdapterOptions? { options.adapter }
    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesBestModel: Bool { options.loop.loadBestModelAtEnd }
    package func roles(workers: Int) -> StageRoles { .allLearn(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        let (head, variants) = (DPOObjective.auxiliaryHead(options.loss), options.loss.needs.variants)
        let count = { try planner.counter.pairs($0, options.lengths) }
        var forecast = try planner.offline(
            stage, options.initial, .languageModel, auxiliaryHead: head, options.loop, options.optimizer,
            options.lengths,
            try planner.counter.pairs(
                options.pairs, options.lengths, variants: variants?.texts, named: variants?.name ?? ""),
            "pairs", responses: 2 + 2 * (variants?.count ?? 0), references: options.compared.frozen,
            reward: options.auxiliaryReward,
            longestAsked: try count(options.pairs)?.longest ?? 2 * options.lengths.maxLength)
        let data = [options.pairs, options.loop.evalData]
        forecast.tables = try planner.tables(
            of: options.compared.frozen, over: data, ReferenceColumns(options.loss.needs), form: "pairs",
            options.lengths,
            maxTokens: options.loop.maxTokensPerMicroBatch, count: count)
        forecast.tables += try planner.rewardTables(by: options.auxiliaryReward, over: data, in: stage, count: count)
        return forecast
    }

    package func run(on context: StageContext) throws {
        var (given, evalGiven) = (GivenReferenceLogps(), GivenReferenceLogps())
        var failure: (any Error)?
        let loss = options.loss
        let (keepsRecords, variants) = (options.auxiliaryReward?.readsRecords ?? false, loss.needs.variants?.texts)
        let data = try context.data.pairs(
            options.pairs, options.lengths, keepsRecords: keepsRecords, variants: variants
        ) { pair in
            do { try given.take(pair) } catch { failure = failure ?? error }
        }
        try context.note(data.summary)
        var evalRecords: [PreferencePair] = []
        let eval = try context.evalExamples(options.loop) {
            let loaded = try context.data.pairs(
                $0, options.lengths, keepsRecords: keepsRecords, variants: variants
            ) { pair in
                do { try evalGiven.take(pair) } catch { failure = failure ?? error }
            }
            evalRecords = loaded.records
            return loaded.examples
        }
        try context.checkTogether(failure)
        let columns = ReferenceColumns(loss.needs)
        if loss.needs.references != 1 || !columns.isEmpty, !(given.logps + evalGiven.logps).isEmpty {
            try context.note(
                "'ref_chosen_logps' and 'ref_rejected_logps' are not read: \(loss.name) asks for other than these sums")
            (given, evalGiven) = (GivenReferenceLogps(), GivenReferenceLogps())
        }
        let maxTokens = options.loop.maxTokensPerMicroBatch
        if let twice = options.compared.repeated {
            try context.note("warning: references lists \(twice) twice, of which the second adds nothing to the first")
        }
        if loss.needs.variants != nil { try context.note(data.examples.variantsSummary) }
        // Frozen models are asked about the responses alone.
        let (pairs, evalPairs) = (data.examples.map(\.withoutVariants), eval.map(\.withoutVariants))
        let references = try options.compared.frozen.map { reference in
            // Freed before the next, and before the policy is loaded.
            let model = context.frozen(reference)
            return ReferencePair(
                training: try context.referenceTable(
                    of: model, for: pairs, columns, given: given, maxTokens: maxTokens),
                heldOut: try context.referenceTable(
                    of: model, for: evalPairs, columns, given: evalGiven, maxTokens: maxTokens))
        }
        let rewards = try options.auxiliaryReward.map { reward in
            PairRewards(
                training: try context.pairRewards(by: reward, of: pairs, data.records, maxTokens: maxTokens),
                heldOut: try context.pairRewards(by: reward, of: evalPairs, evalRecords, maxTokens: maxTokens))
        }
        if let rewards { try context.note(rewards.summary) }
        // Where the reference lay there may be no room for a model of the same size at the same alignment.
        TorchRuntime.releaseFreedMemory()
        let model = try context.trainable(
            options.initial, head: .languageModel, auxiliaryHead: DPOObjective.auxiliaryHead(loss), options.optimizer)
        let trainer = OfflineTrainer(
            context: context, model: model,
            objective: DPOObjective(
                loss: loss, references: references, rewards: rewards,
                text: { context.text.tokenizer.token(of: $0) ?? "" }),
            loop: options.loop, optimizer: options.optimizer)
        let marked = eval.map { pair in
            var pair = pair
            pair.index = ReferencePair.heldOut(pair.index)
            return pair
        }
        try trainer.train(data.examples, eval: marked) {
            try context.models.save(model, to: $0, $1, text: context.text)
        }
    }
}

extension [TokenizedPair] {
    /// Of how many responses there are variants.
    fileprivate var variantsSummary: String {
        let have = reduce(0) { sum, pair in
            let half = pair.variants.count / 2
            return sum
                + [pair.variants.prefix(half), pair.variants.dropFirst(half)].count { $0.contains { !$0.isEmpty } }
        }
        return "\(have) of \(2 * count) responses have variants; others have no key phrases, or were cut at max_length"
    }
}
