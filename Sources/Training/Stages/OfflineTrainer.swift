import Foundation
import MPI
import Objectives
import PreferenceData
import Torch
import Transformers

/// Trains a model on a fixed set of examples over all workers: the loop that `sft`, `reward` and `dpo` share.
///
/// Every worker knows the whole batch of each step, takes its share of it by tokens, and divides the loss by the step's
/// global count; so the result does not depend on how many workers or micro-batches there are.
struct OfflineTrainer<Objective: OfflineObjective> {
    let context: StageContext
    let model: Transformers.Decoder
    let objective: Objective
    let loop: TrainingLoopOptions
    let optimizer: OptimizerOptions

    /// Trains from the start or from the stage's checkpoint, and leaves the model in the stage's `final` directory.
    ///
    /// - Parameter save: Writes the model as it is into a directory.
    func train(
        _ examples: [Objective.Example], eval: [Objective.Example], save: @escaping (URL) throws -> Void
    ) throws {
        let order = try DataOrder(
            count: examples.count, batchSize: loop.trainBatchSize, seed: context.seed, shuffles: loop.shuffle)
        let total = loop.steps(in: order)
        let updater = ParameterUpdater(
            model.parameters, optimizer, totalSteps: total, communicator: context.workers,
            tracer: context.tracer)
        let state = OfflineCheckpoint(updater: updater, save: save)
        var tokens = 0
        if let step = context.checkpoint { tokens = try state.restore(from: context.checkpoints.url(ofStep: step)) }
        let first = context.checkpoint ?? 0
        try context.begin(total: total, unit: "step", step: first)
        for step in first..<total {
            let clock = ContinuousClock.now
            let batch = order.batch(atStep: step).map { examples[$0] }
            let batchTokens = batch.reduce(0) { $0 + $1.tokenCount }
            tokens += batchTokens
            var metrics = try context.tracer.measure(.step, number: step + 1) { try self.step(step, batch, updater) }
            metrics["epoch"] = Double(step + 1) / Double(order.stepsPerEpoch)
            metrics["num_tokens"] = Double(tokens)
            metrics["perf/throughput"] = Double(batchTokens) / clock.duration(to: .now).seconds
            let isLast = step + 1 == total
            if !eval.isEmpty, isLast || loop.evalSteps.map({ (step + 1).isMultiple(of: $0) }) ?? false {
                metrics.merge(try evaluate(eval), prefix: "eval_")
            }
            if context.isFirst { try context.link.report(.step(step + 1, metrics)) }
            if !isLast, (step + 1).isMultiple(of: loop.saveSteps), context.isFirst {
                try context.writeCheckpoint(step: step + 1) {
                    try state.write(to: $0, step: step + 1, tokens: tokens)
                }
                try context.link.report(.saved(step: step + 1))
            }
        }
        if context.isFirst { try AtomicDirectory.write(to: context.stage.final, save) }
    }

    private func step(_ step: Int, _ batch: [Objective.Example], _ updater: ParameterUpdater) throws -> MetricValues {
        let sums = pass.accumulateGradients(over: batch)
        guard let update = try updater.step() else {
            throw RunError.notFinite(stage: context.stage.name, step: step + 1, what: "the gradient")
        }
        var metrics = try context.tracer.collective(over: context.workers) {
            try sums.reduced(over: context.workers).values
        }
        metrics["grad_norm"] = update.gradientNorm
        metrics["learning_rate"] = update.learningRate
        metrics.merge(context.tracer.takeTimings(.offline))
        return metrics
    }

    /// The objective's metrics over held-out examples.
    private func evaluate(_ examples: [Objective.Example]) throws -> MetricValues {
        try pass.metrics(over: examples).reduced(over: context.workers).values
    }

    private var pass: OfflinePass<Objective> {
        OfflinePass(
            model: model, objective: objective, workers: context.workers, maxTokens: loop.maxTokensPerMicroBatch,
            tracer: context.tracer)
    }
}

extension Communicator {
    /// What this rank takes of `examples`, divided by tokens.
    func share<Example: PackableExample, Result>(of examples: [Example], _ body: ([Example]) -> Result) -> Result {
        let shares = TokenBalancer.share(examples.map(\.tokenCount), over: size)
        return body(shares[rank].map { examples[$0] })
    }
}

extension Duration {
    /// In seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
