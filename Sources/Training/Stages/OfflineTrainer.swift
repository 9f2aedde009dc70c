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
            model.parameters, optimizer, totalSteps: total, communicator: context.workers)
        let state = OfflineCheckpoint(updater: updater, save: save)
        context.stopMonitor.expectSaving(bytes: updater.stateBytes)
        var tokens = 0
        if let step = context.checkpoint {
            tokens = try state.restore(from: context.checkpoints.url(ofStep: step)).tokens ?? 0
        }
        let first = context.checkpoint ?? 0
        try context.begin(total: total, unit: "step", step: first)
        for step in first..<total {
            let clock = ContinuousClock.now
            let batch = order.batch(atStep: step).map { examples[$0] }
            let batchTokens = batch.reduce(0) { $0 + $1.tokenCount }
            tokens += batchTokens
            var metrics = try self.step(step, batch, updater)
            metrics["epoch"] = Double(step + 1) / Double(order.stepsPerEpoch)
            metrics["num_tokens"] = Double(tokens)
            metrics["perf/throughput"] = Double(batchTokens) / clock.duration(to: .now).seconds
            let isLast = step + 1 == total
            if !eval.isEmpty, isLast || loop.evalSteps.map({ (step + 1).isMultiple(of: $0) }) ?? false {
                metrics.merge(try evaluate(eval), prefix: "eval_")
            }
            if context.isFirst { try context.link.report(.step(step + 1, metrics)) }
            guard !isLast else { break }
            let stop = try context.stopMonitor.agreed(over: context.workers)
            if context.isFirst, stop != nil || (step + 1).isMultiple(of: loop.saveSteps) {
                try context.save(step: step + 1) { directory, metricsPosition in
                    try state.write(
                        to: directory,
                        TrainerState(step: step + 1, metricsPosition: metricsPosition, tokens: tokens))
                }
            }
            if let stop { throw StageStopped(step: step + 1, reason: stop) }
        }
        if context.isFirst { try AtomicDirectory.write(to: context.stage.final, save) }
    }

    private func step(_ step: Int, _ batch: [Objective.Example], _ updater: ParameterUpdater) throws -> MetricValues {
        var sums = Objective.Metrics()
        let weight = stepWeight(batch)
        for microBatch in microBatches(of: batch) {
            let term = objective.loss(model, microBatch, stepWeight: weight)
            sums.merge(term.metrics)
            term.value.backward()
        }
        guard let update = try updater.step() else {
            throw RunError.notFinite(stage: context.stage.name, step: step + 1, what: "the gradient")
        }
        var metrics = try sums.reduced(over: context.workers).values
        metrics["grad_norm"] = update.gradientNorm
        metrics["learning_rate"] = update.learningRate
        return metrics
    }

    /// The objective's metrics over held-out examples.
    private func evaluate(_ examples: [Objective.Example]) throws -> MetricValues {
        var sums = Objective.Metrics()
        let weight = stepWeight(examples)
        withoutGradients {
            for microBatch in microBatches(of: examples) {
                sums.merge(objective.loss(model, microBatch, stepWeight: weight).metrics)
            }
        }
        return try sums.reduced(over: context.workers).values
    }

    private func stepWeight(_ examples: [Objective.Example]) -> Int {
        examples.reduce(0) { $0 + objective.weight(of: $1) }
    }

    /// This worker's share, in micro-batches.
    private func microBatches(of examples: [Objective.Example]) -> [ResponseBatch] {
        context.workers.share(of: examples) { ResponseBatch.microBatches($0, maxTokens: loop.maxTokensPerMicroBatch) }
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
