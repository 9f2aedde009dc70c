import Foundation
import MPI
import Objectives
import PreferenceData
import Runs
import Torch
import Transformers

/// Trains a model on a fixed set of examples over all workers: the loop that `sft`, `reward` and `dpo` share.
///
/// Every worker knows the whole batch of each step, takes its share of it by tokens, and divides the loss by the step's
/// global count; so the result does not depend on how many workers or micro-batches there are.
package struct OfflineTrainer<Objective: OfflineObjective> {
    package let context: StageContext
    package let model: DecoderModel
    package let objective: Objective
    package let loop: TrainingLoopOptions
    package let optimizer: OptimizerOptions

    package init(
        context: StageContext, model: DecoderModel, objective: Objective, loop: TrainingLoopOptions,
        optimizer: OptimizerOptions
    ) {
        (self.context, self.model, self.objective, self.loop, self.optimizer) = (
            context, model, objective, loop, optimizer
        )
    }

    /// Trains from the start or from the stage's checkpoint, and leaves the model in the stage's `final` directory.
    ///
    /// Where the run is to stop in an evaluation or in what follows on the training, a checkpoint of the step before it is
    /// saved, and the next start does that anew.
    ///
    /// - Parameters:
    ///   - save: Writes the model as it is into a directory.
    ///   - afterwards: What else the stage does with the model, once it is in `final`.
    /// - Throws: ``StageStopped``, on all workers.
    package func train(
        _ examples: [Objective.Example], eval: [Objective.Example], save: @escaping (URL, SavedWeights) throws -> Void,
        afterwards: () throws -> Void = {}
    ) throws {
        let order = try DataOrder(
            count: examples.count, batchSize: loop.trainBatchSize, seed: context.seed, shuffles: loop.shuffle)
        let total = loop.steps(in: order)
        let updater = ParameterUpdater(
            model.parameters, optimizer, totalSteps: total, communicator: context.workers,
            tracer: context.tracer)
        model.recomputesActivations = loop.gradientCheckpointing
        let state = OfflineCheckpoint(updater: updater) {
            try save($0, updater.savedMasters)
            try model.saveAuxiliaryHead(to: $0)
        }
        context.stopMonitor.expectSaving(bytes: updater.stateBytes)
        var progress = TrainerState(step: 0, metrics: MetricsState(position: 0), tokens: 0, nonFinite: NonFiniteSteps())
        if let step = context.checkpoint { progress = try state.restore(from: context.checkpoints.url(ofStep: step)) }
        if !objective.initialState.isEmpty, context.checkpoint == nil { progress.lossState = objective.initialState }
        guard progress.lossState?.count ?? 0 == objective.initialState.count else {
            throw RunError.other(
                "\(context.checkpoints.url(ofStep: progress.step).path): has no state of this loss, as one of another "
                    + "build has not; delete \(context.stage.directory.path) to begin the stage anew")
        }
        let first = min(context.checkpoint ?? 0, total)
        try context.begin(total: total, unit: "step", step: progress.unevaluated == nil ? first : first - 1)
        if let line = optimizer.warmupNote(steps: total, "steps") { try context.note(line) }
        if let metrics = progress.unevaluated {
            try conclude(metrics, isLast: first == total, eval, state, &progress)
        }
        let batches = order.batches
        for step in first..<total {
            let clock = ContinuousClock.now
            let batch = batches.batch(atStep: step).map { examples[$0] }
            let batchTokens = batch.reduce(0) { $0 + $1.tokenCount }
            let tokens = (progress.tokens ?? 0) + batchTokens
            (progress.step, progress.tokens) = (step + 1, tokens)
            var metrics = try context.tracer.measure(.step, number: step + 1) {
                try self.step(step, epoch: step / order.stepsPerEpoch, batch, updater, &progress)
            }
            metrics["epoch"] = Double(step + 1) / Double(order.stepsPerEpoch)
            metrics["num_tokens"] = Double(tokens)
            metrics["perf/throughput"] = Double(batchTokens) / clock.duration(to: .now).seconds
            try conclude(metrics, isLast: step + 1 == total, eval, state, &progress)
        }
        // No later step finds what the last one did to the weights.
        try RunError.check(model.parameters, after: total, of: context.stage.name, over: context.workers)
        if let best = progress.best, best.step < total { try load(best) }
        if context.isFirst {
            try AtomicDirectory.write(to: context.stage.final) {
                try save($0, SavedWeights(as: context.models.placement.type))
            }
        }
        context.stopMonitor.pass()
        do {
            try afterwards()
        } catch let stop as StageStopped {
            try self.save(state, &progress)
            throw StageStopped(step: total, reason: stop.reason)
        }
    }

    /// What follows on the update of a step: its evaluation and report, and a checkpoint where one is due or the run stops.
    private func conclude(
        _ metrics: MetricValues, isLast: Bool, _ eval: [Objective.Example], _ state: OfflineCheckpoint,
        _ progress: inout TrainerState
    ) throws {
        let step = progress.step
        var metrics = metrics
        progress.unevaluated = nil
        if !eval.isEmpty, isLast || loop.evalSteps.map({ step.isMultiple(of: $0) }) ?? false {
            do {
                metrics.merge(try evaluate(eval, progress.lossState), prefix: "eval_")
            } catch let stop as StageStopped {
                progress.unevaluated = metrics
                try save(state, &progress)
                throw StageStopped(step: step, reason: stop.reason)
            }
        }
        if context.isFirst { try context.link.report(.step(step, metrics)) }
        let isDue = step.isMultiple(of: loop.saveSteps)
        if loop.loadBestModelAtEnd, isDue || isLast {
            progress.best = try loop.best(progress.best, step: step, metrics: metrics)
        }
        guard !isLast else { return }
        let stop = try context.stopMonitor.agreed(over: context.workers)
        if stop != nil || isDue { try save(state, &progress) }
        if let stop { throw StageStopped(step: step, reason: stop) }
    }

    /// Writes a checkpoint of the step that was done last; all workers call this.
    private func save(_ state: OfflineCheckpoint, _ progress: inout TrainerState) throws {
        guard context.isFirst else { return try state.send() }
        try context.save(step: progress.step, keeping: progress.best?.step) { directory, metrics in
            progress.metrics = metrics
            try state.write(to: directory, progress)
        }
    }

    private func step(
        _ step: Int, epoch: Int, _ batch: [Objective.Example], _ updater: ParameterUpdater,
        _ progress: inout TrainerState
    ) throws -> MetricValues {
        guard pass.weights(of: batch).contains(where: { $0 > 0 }) else {
            return try leaveOut(step, updater, progress.nonFinite)
        }
        let update = OfflineUpdate(
            pass, updater, stage: context.stage.name, seed: context.seed, onNonFinite: optimizer.onNonFinite,
            note: context.note)
        var metrics = try update.make(
            step, epoch: epoch, batch, state: &progress.lossState, nonFinite: &progress.nonFinite)
        if progress.nonFinite.total > 0 { metrics["non_finite_steps"] = Double(progress.nonFinite.total) }
        metrics.merge(context.tracer.takeTimings(.offline))
        metrics.merge(context.cardMemory)
        return metrics
    }

    /// Makes no update of a step that has nothing to learn from: its momentum and weight decay would change the model all
    /// the same. Every worker knows the whole batch, so all take the same way.
    private func leaveOut(
        _ step: Int, _ updater: ParameterUpdater, _ nonFinite: NonFiniteSteps
    ) throws -> MetricValues {
        try context.note("step \(step + 1) makes no update: its examples have no token to predict")
        var metrics: MetricValues = ["learning_rate": updater.schedule.rate(at: step)]
        if nonFinite.total > 0 { metrics["non_finite_steps"] = Double(nonFinite.total) }
        metrics.merge(context.tracer.takeTimings(.offline))
        return metrics
    }

    /// Takes the weights of the best checkpoint, on all workers.
    private func load(_ best: BestCheckpoint) throws {
        let (directory, metric) = (context.checkpoints.url(ofStep: best.step), loop.metricForBestModel)
        if context.isFirst {
            do {
                try Manifest.verify(directory)
                try context.models.load(directory, into: model)
                try context.note(
                    "the best \(metric) was \(HumanFormat.metric(best.metric)) at step \(best.step); final is its model"
                )
            } catch {
                try context.note("\(error); it had the best \(metric), but final is the last step's model")
            }
        }
        if context.workers.size > 1 { try context.workers.broadcast(model.parameters, root: 0) }
    }

    /// The objective's metrics over held-out examples.
    ///
    /// - Throws: ``StageStopped``, on all workers.
    private func evaluate(_ examples: [Objective.Example], _ state: [Double]?) throws -> MetricValues {
        let whole = try pass.step(over: examples, state: state) { share in try context.interruptible(share) }
        let sums = try context.interruptible { pass.metrics(over: examples, of: whole, while: $0) }
        return try pass.reduced(sums.metrics, sums.routing)
    }

    private var pass: OfflinePass<Objective> {
        OfflinePass(
            model: model, objective: objective, workers: context.workers, maxTokens: loop.maxTokensPerMicroBatch,
            routerAuxLossCoef: loop.routerAuxLoss.coefficient, tracer: context.tracer)
    }
}

extension Communicator {
    /// What this rank takes of `examples`, divided by tokens.
    package func share<Example: PackableExample, Result>(of examples: [Example], _ body: ([Example]) -> Result)
        -> Result
    {
        let shares = TokenBalancer.share(examples.map(\.tokenCount), over: size)
        return body(shares[rank].map { examples[$0] })
    }
}
