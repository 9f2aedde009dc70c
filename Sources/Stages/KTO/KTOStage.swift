import Configuration
import Objectives
import PreferenceData
import Runs
import Torch
import Training

/// Kahneman-Tversky Optimization (arXiv 2402.01306): learning from answers that are desirable or are not.
package struct KTOStage: Stage {
    package static let type = "kto"
    package static let leaves: StageOutput? = .policy
    package static let keyMetrics = ["loss", "rewards/margins", "kl", "logps/chosen", "learning_rate"]

    package var options = KTOOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        if !scope.given.contains("init") {
            options.initial = try scope.policy(from: [SFTStage.type], for: "init")
        }
        if !scope.given.contains("reference") { options.reference = options.initial }
        if !scope.given.contains("data") {
            options.data = try scope.rows(
                from: [(BridgeStage.type, nil), (SplitStage.type, "easy"), (SampleStage.type, nil)], for: "data")
        }
        try scope.checkInputs(of: self)
        try options.checkWeights(scope)
        try options.optimizer.check(scope)
        try options.loop.inherit(scope, data: options.data, metrics: UnpairedMetrics.names)
        try options.lengths.inherit(scope)
        options.compute.inherit(scope)
        try options.adapter.inherit(scope)
    }

    /// Looks whether the labels that the data has leave something to learn, and the model has what is to be balanced.
    package func check(at start: StageStart) throws {
        try start.check(options.loop.routerAuxLoss, of: options.initial)
        if options.loss.needsDivergence {
            try start.checkFixedPositions(of: options.initial, upTo: options.lengths.maxLength)
        }
        for (key, references) in [("data", options.data), ("eval_data", options.loop.evalData)] {
            let files = try references.flatMap(start.sources)
            let problem = { options.problem(of: $0, isHeldOut: key == "eval_data") }
            guard !files.isEmpty,
                let labels = LabelCounts(
                    of: files, onBadRecord: start.configuration.dataset.onBadRecord,
                    columns: start.configuration.dataset.columns, until: { problem($0) == nil }),
                let (problem, remedy) = problem(labels)
            else { continue }
            throw start.configuration.error(at: "\(start.name).\(key)", problem, remedy: remedy)
        }
    }

    package var compute: ComputeOptions? { options.compute }
    package var adapter: AdapterOptions? { options.adapter }
    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesBestModel: Bool { options.loop.loadBestModelAtEnd }
    package func roles(workers: Int) -> StageRoles { .allLearn(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        let count = { try planner.counter.labeledCompletions($0, options.lengths) }
        let asked = options.loss.needsDivergence ? 2 : 1
        let answers = try count(options.data)
        var forecast = try planner.offline(
            stage, options.initial, .languageModel, options.loop, options.optimizer, options.lengths, answers,
            "answers", references: [options.reference],
            longestAsked: asked * (answers?.longest ?? options.lengths.maxLength))
        forecast.tables = try planner.tables(
            of: [options.reference], over: [options.data, options.loop.evalData], sums: asked,
            form: asked > 1 ? "answers with mismatched ones" : "answers", options.lengths,
            maxTokens: options.loop.maxTokensPerMicroBatch, count: count)
        return forecast
    }

    package func run(on context: StageContext) throws {
        let data = try context.data.labeledCompletions(options.data, options.lengths)
        try context.note(data.summary)
        let eval = try context.evalExamples(options.loop) {
            try context.data.labeledCompletions($0, options.lengths).examples
        }
        try check(data.examples, eval, on: context)
        let (training, heldOut) = (mismatched(data.examples, context), mismatched(eval, context))
        let reference = try asked(training, heldOut, on: context)
        // Where the reference lay there may be no room for a model of the same size at the same alignment.
        TorchRuntime.releaseFreedMemory()
        let model = try context.trainable(options.initial, head: .languageModel, options.optimizer)
        let marked = heldOut.map { answer in
            var answer = answer
            answer.index = ReferencePair.heldOut(answer.index)
            return answer
        }
        let trainer = OfflineTrainer(
            context: context, model: model,
            objective: KTOObjective(loss: options.loss, reference: reference, answers: training + marked),
            loop: options.loop, optimizer: options.optimizer)
        try trainer.train(training, eval: marked) {
            try context.models.save(model, to: $0, $1, text: context.text)
        }
    }

    /// Throws where limits or bad rows have left too little, and tells how many answers of each label there are.
    private func check(_ data: [TokenizedAnswer], _ eval: [TokenizedAnswer], on context: StageContext) throws {
        let labels = LabelCounts(data)
        for (key, labels) in [("data", labels), ("eval_data", LabelCounts(eval))]
        where key == "data" || labels.count > 0 {
            guard let (problem, remedy) = options.problem(of: labels, isHeldOut: key != "data") else { continue }
            try context.checkTogether(
                context.configuration.error(at: "\(context.stage.name).\(key)", problem, remedy: remedy))
        }
        try context.note(labels.text(options))
        if options.loss.needsDivergence, data.allSatisfy({ $0.prompt == data[0].prompt }) {
            try context.note(
                "warning: all answers are of one prompt, so that the divergence, which is to be taken from completions of "
                    + "other prompts, is taken from its own; loss_type apo_zero_unpaired needs none")
        }
    }

    /// The run's seed, in place of the stage's, lets a later stage read this one's table.
    private func mismatched(_ answers: [TokenizedAnswer], _ context: StageContext) -> [TokenizedAnswer] {
        guard options.loss.needsDivergence, !answers.isEmpty else { return answers }
        return answers.mismatched(seed: UInt64(context.configuration.seed), maxLength: options.lengths.maxLength)
    }

    /// What the reference says, which is freed on return.
    private func asked(
        _ training: [TokenizedAnswer], _ heldOut: [TokenizedAnswer], on context: StageContext
    ) throws -> ReferencePair {
        let model = context.frozen(options.reference)
        let table = { (answers: [TokenizedAnswer]) in
            let maxTokens = options.loop.maxTokensPerMicroBatch
            return options.loss.needsDivergence
                ? try context.referenceTable(
                    of: model, for: answers.map(\.withMismatched), noun: "answer", maxTokens: maxTokens)
                : try context.referenceTable(of: model, for: answers.map(\.alone), noun: "answer", maxTokens: maxTokens)
        }
        return ReferencePair(training: try table(training), heldOut: try table(heldOut))
    }
}
