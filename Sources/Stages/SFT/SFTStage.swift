import Configuration
import Objectives
import PreferenceData
import Runs
import Training

/// Supervised fine-tuning on responses.
package struct SFTStage: Stage {
    package static let type = "sft"
    package static let leaves: StageOutput? = .policy
    package static let keyMetrics = ["loss", "mean_token_accuracy", "eval_loss", "learning_rate"]

    package var options = SFTOptions()

    package init() {}

    package mutating func resolve(in scope: StageScope) throws {
        try scope.checkInputs(of: self)
        try options.optimizer.check(scope)
        try options.loop.inherit(scope, data: options.data, metrics: SupervisedMetrics.names)
        try options.lengths.inherit(scope)
        options.compute.inherit(scope)
        try options.adapter.inherit(scope)
    }

    package func check(at start: StageStart) throws {
        try start.check(options.loop.routerAuxLoss, of: options.initial)
    }

    package var compute: ComputeOptions? { options.compute }
    package var adapter: AdapterOptions? { options.adapter }
    package func limits() throws -> LengthLimits { try options.lengths.limits() }
    package var learnedTokens: LearnedTokens { options.assistantOnlyLoss ? .answers : .completion }
    package var longestSequence: (length: Int, key: String) { (options.lengths.maxLength, "max_length") }
    package var leavesBestModel: Bool { options.loop.loadBestModelAtEnd }
    package func roles(workers: Int) -> StageRoles { .allLearn(workers) }

    package func forecast(_ stage: StageConfiguration, _ planner: StagePlanner) throws -> StageForecast {
        try planner.offline(
            stage, options.initial, .languageModel, options.loop, options.optimizer, options.lengths,
            try planner.counter.completions(options.data, options.lengths, learning: learnedTokens), "examples")
    }

    package func run(on context: StageContext) throws {
        let data = try context.data.completions(options.data, options.lengths, learning: learnedTokens)
        try context.note(data.summary)
        let eval = try context.evalExamples(options.loop) {
            try context.data.completions($0, options.lengths, learning: learnedTokens).examples
        }
        let model = try context.trainable(options.initial, head: .languageModel, options.optimizer)
        let trainer = OfflineTrainer(
            context: context, model: model, objective: SFTObjective(), loop: options.loop,
            optimizer: options.optimizer)
        try trainer.train(data.examples, eval: eval) {
            try context.models.save(model, to: $0, $1, text: context.text)
        }
    }
}
