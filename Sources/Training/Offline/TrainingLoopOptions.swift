import Configuration
import Runs

/// Length, batches and rhythm of training on a fixed set of examples.
package struct TrainingLoopOptions: Sendable, Equatable {
    /// Passes over the data.
    package var numTrainEpochs = 1.0
    /// Optimizer steps, in place of the epochs.
    package var maxSteps: Int?
    /// Examples an optimizer step over all ranks together.
    package var trainBatchSize = 64
    /// Most tokens in one forward and backward pass of a rank.
    package var maxTokensPerMicroBatch = 4096
    /// Whether backward passes compute activations anew, in place of keeping them.
    package var gradientCheckpointing = false
    /// The load-balancing loss of models with experts.
    package var routerAuxLoss = RouterAuxLossOptions()
    /// Whether the data is put into a random order, or taken as it comes.
    package var shuffle = true
    /// Held-out data.
    package var evalData: [ArtifactReference] = [.dataset(.eval)]
    /// Steps between evaluations; `nil` for one at the end.
    package var evalSteps: Int?
    /// Steps between checkpoints.
    package var saveSteps = 500
    /// Whether the stage leaves the best checkpoint's model, in place of the last step's.
    package var loadBestModelAtEnd = false
    /// The metric of an evaluation that tells which is best.
    package var metricForBestModel = "eval_loss"
    /// Whether more of the metric is better; `nil` unless it is a loss.
    package var greaterIsBetter: Bool?

    /// The defaults.
    package init() {}

    /// Takes what was not given from the run; data in an order of its own is not shuffled.
    ///
    /// - Parameter metrics: What evaluations of the stage measure.
    package mutating func inherit(_ scope: StageScope, data: [ArtifactReference], metrics: [String]) throws {
        if !scope.given.contains("save_steps") { saveSteps = scope.run.saveSteps }
        if !scope.given.contains("shuffle") { shuffle = !scope.isOrdered(data) }
        if evalSteps != nil, !hasEvalData(scope) {
            throw scope.error(
                "eval_steps", "there is no held-out data to evaluate",
                "give eval_data, or eval in the dataset block, or leave it out")
        }
        try checkBest(scope, metrics)
    }

    private func hasEvalData(_ scope: StageScope) -> Bool {
        evalData.contains { $0 != .dataset(.eval) } || (!evalData.isEmpty && !scope.run.dataset.eval.isEmpty)
    }

    private mutating func checkBest(_ scope: StageScope, _ metrics: [String]) throws {
        guard loadBestModelAtEnd else {
            // A resolved configuration gives every key, so it is the values that count.
            let idle = metricForBestModel == Self().metricForBestModel ? "greater_is_better" : "metric_for_best_model"
            guard idle == "greater_is_better", greaterIsBetter == nil else {
                throw scope.error(idle, "given without load_best_model_at_end", "write load_best_model_at_end: true")
            }
            return
        }
        let key = "load_best_model_at_end"
        guard hasEvalData(scope) else {
            throw scope.error(key, "needs held-out data", "give eval_data, or eval in the dataset block")
        }
        guard let evalSteps, saveSteps.isMultiple(of: evalSteps) else {
            throw scope.error(
                key, "needs an evaluation wherever a checkpoint is saved",
                "give eval_steps, of which save_steps (\(saveSteps)) is a multiple")
        }
        // transformers takes the name with its prefix or without.
        if !metricForBestModel.hasPrefix("eval_") { metricForBestModel = "eval_" + metricForBestModel }
        let names = metrics.map { "eval_" + $0 }
        guard names.contains(metricForBestModel) else {
            let nearest = NearestName.of(metricForBestModel, in: names).map { "did you mean \($0)? " } ?? ""
            throw scope.error(
                "metric_for_best_model", "evaluations of \(scope.name) have no \(metricForBestModel)",
                (nearest.isEmpty ? "write one of " : nearest + "There are ")
                    + "\(names.joined(separator: ", "))")
        }
    }
}

extension TrainingLoopOptions {
    /// The keys of a stage.
    ///
    /// - Parameter rows: How held-out data is read.
    package static func fields(evaluating rows: RowKind) -> [Field<Self>] {
        Field.list {
            Field("num_train_epochs", \.numTrainEpochs, .greaterThan(0), "Passes over the data.")
            Field("max_steps", \.maxSteps, .atLeast(1), "Optimizer steps, in place of num_train_epochs.")
            Field(
                "train_batch_size", \.trainBatchSize, .atLeast(1),
                "Examples an optimizer step, over all ranks together.")
            Field(
                "max_tokens_per_micro_batch", \.maxTokensPerMicroBatch, .atLeast(1), effect: .rounding,
                "Most tokens of one forward and backward pass on a rank; bounds memory, not the result.")
            Field(
                "gradient_checkpointing", \.gradientCheckpointing, effect: .free,
                "Whether backward passes compute activations anew, to save memory for about a third more work.")
            RouterAuxLossOptions.field(at: \Self.routerAuxLoss.coefficient)
            Field(
                "shuffle", \.shuffle, default: "true, unless the data comes from a split ordered easy_to_hard",
                "Whether each epoch has a random order, or the data's own.")
            Field.input(
                "eval_data", \.evalData, .rows(rows), isHeldOut: true, effect: .choosing,
                "Held-out data, evaluated at the end and every eval_steps; [] for none.")
            Field(
                "eval_steps", \.evalSteps, .atLeast(1), effect: .choosing,
                "Optimizer steps between evaluations; null for one at the end.")
            Field(
                "save_steps", \.saveSteps, .atLeast(1), default: "the run's save_steps", effect: .choosing,
                "Optimizer steps between checkpoints.")
            Field(
                "load_best_model_at_end", \.loadBestModelAtEnd,
                "Whether the stage leaves the model that was best on eval_data, and keeps its checkpoint whatever "
                    + "save_total_limit; save_steps must be a multiple of eval_steps.")
            Field("metric_for_best_model", \.metricForBestModel, .notEmpty, "Metric that tells which model is best.")
            Field(
                "greater_is_better", \.greaterIsBetter, default: "true, unless the metric's name ends in loss",
                "Whether more of that metric is better.")
        }
    }
}

extension StageScope {
    /// Whether the data comes from one stage that has put it in order.
    package func isOrdered(_ data: [ArtifactReference]) -> Bool {
        guard data.count == 1, case .stage(let name, _) = data[0],
            let stage = run.stages.first(where: { $0.name == name })
        else { return false }
        return stage.stage.leavesOrder
    }
}
