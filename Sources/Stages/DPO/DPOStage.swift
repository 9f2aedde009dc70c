import Configuration
import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// Direct Preference Optimization.
package struct DPOStage: Stage {
    package static let type = "dpo"
    package static let leaves: StageOutput? = .policy
    package static let keyMetrics = [
        "loss", "rewards/accuracies", "rewards/margins", "logps/chosen", "learning_rate",
    ]

    package var options = DPOOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("init") {
            options.initial = try scope.policy(from: [SFTStage.type], for: "init")
        }
        if !scope.given.contains("reference") { options.reference = options.initial }
        if !scope.given.contains("pairs") {
            options.pairs = try scope.rows(from: [(SplitStage.type, "easy"), (SampleStage.type, nil)], for: "pairs")
        }
        try scope.checkInputs(of: self)
        guard options.labelSmoothing == 0 || options.lossType == .sigmoid else {
            throw scope.error(
                "label_smoothing", "has no meaning for loss_type \(options.lossType.rawValue)",
                "use sigmoid, or leave it at 0.0")
        }
        try options.optimizer.check(scope)
        try options.loop.inherit(scope, data: options.pairs, metrics: DPOMetrics.names)
        try options.lengths.inherit(scope)
    }

    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesBestModel: Bool { options.loop.loadBestModelAtEnd }
    package func roles(workers: Int) -> StageRoles { .allLearn(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        try planner.offline(
            stage, options.initial, .languageModel, options.loop, options.optimizer, options.lengths,
            try planner.counter.pairs(options.pairs, options.lengths), "pairs", reference: options.reference)
    }

    package func run(on context: StageContext) throws {
        let data = try context.data.pairs(options.pairs, options.lengths)
        try context.note(data.summary)
        let eval = try context.evalExamples(options.loop) { try context.data.pairs($0, options.lengths).examples }
        let (reference, evalReference) = try referenceLogps(data.examples, eval, context)
        // Where the reference lay there may be no room for a model of the same size at the same alignment.
        TorchRuntime.releaseFreedMemory()
        let model = try context.trainable(options.initial, head: .languageModel)
        let loss = DPOLoss(
            options.lossType, beta: options.beta, labelSmoothing: options.labelSmoothing)
        // Held-out pairs are told apart from the others by negative indices.
        let objective = DPOObjective(
            loss: loss,
            reference: reference.merging(
                evalReference.map { (Self.heldOut($0.key), $0.value) }, uniquingKeysWith: { first, _ in first }))
        let trainer = OfflineTrainer(
            context: context, model: model, objective: objective, loop: options.loop, optimizer: options.optimizer)
        let marked = eval.map { pair in
            var pair = pair
            pair.index = Self.heldOut(pair.index)
            return pair
        }
        try trainer.train(data.examples, eval: marked) {
            try context.models.save(model, to: $0, text: context.text)
        }
    }

    /// Those of training and of held-out pairs. The reference model is freed on return, before the policy is loaded.
    private func referenceLogps(
        _ pairs: [TokenizedPair], _ eval: [TokenizedPair], _ context: StageContext
    ) throws -> ([Int: ReferenceLogps], [Int: ReferenceLogps]) {
        let model = try context.models.load(
            options.reference, head: .languageModel, trainable: false, seed: context.seed)
        let tokens = options.loop.maxTokensPerMicroBatch
        return (
            try context.referenceLogps(
                of: pairs, under: model, named: options.reference.description, maxTokens: tokens),
            try context.referenceLogps(of: eval, under: model, named: options.reference.description, maxTokens: tokens)
        )
    }

    private static func heldOut(_ index: Int) -> Int { -1 - index }
}
