import MPI
import Objectives
import PreferenceData
import Runs
import Torch
import Transformers

/// One worker's part in a pass over a batch: forward, and backward where it learns.
package struct OfflinePass<Objective: OfflineObjective> {
    package let model: DecoderModel
    package let objective: Objective
    package let workers: Communicator
    package let maxTokens: Int
    package let tracer: Tracer
    /// What the load-balancing loss of the model's routers is multiplied with; 0 for none.
    package let routerAuxLossCoef: Double

    /// - Parameters:
    ///   - workers: Who shares each batch.
    ///   - maxTokens: Most tokens of one forward and backward pass.
    package init(
        model: DecoderModel, objective: Objective, workers: Communicator, maxTokens: Int,
        routerAuxLossCoef: Double = 0, tracer: Tracer = Tracer()
    ) {
        self.model = model
        self.objective = objective
        self.workers = workers
        self.maxTokens = maxTokens
        self.routerAuxLossCoef = routerAuxLossCoef
        self.tracer = tracer
    }

    /// What the losses of a batch's micro-batches need to know of all of it; every worker calls this with the same batch.
    ///
    /// - Parameters:
    ///   - state: What the loss carries from step to step.
    ///   - leaving: Runs this worker's share of a pass, and may leave it for the run to stop.
    package func step(
        over batch: [Objective.Example], epoch: Int = 0, state: [Double]? = nil,
        leaving: (_ share: (_ goesOn: () -> Bool) throws -> [UInt8]) throws -> [UInt8] = { try $0 { true } }
    ) throws -> OfflineStep {
        var step = OfflineStep(weights: weights(of: batch), epoch: epoch, state: state ?? objective.initialState)
        if objective.wholeStepTerms > 0 {
            let mine = try leaving { scores(of: batch, step, while: $0) }
            step.pairs = try gathered(mine, batch)
        }
        return step
    }

    /// What the model's routers do with all rows of a batch, over all workers, where the loss has a term of that.
    ///
    /// Its gradient needs the choices of the whole step, which a pass without gradient gives: so it is the same for any number
    /// of workers and micro-batches.
    package func routing(of batch: [Objective.Example]) throws -> RouterLoad? {
        guard routerAuxLossCoef > 0 else { return nil }
        return try tracer.measure(.forward) { model.routerLoad(of: microBatches(of: batch)) }?.reduced(over: workers)
    }

    /// Adds this worker's part of the batch's gradient, and returns its part of the metrics, of what the loss's state moves by and of
    /// the routers' load.
    ///
    /// - Parameter backward: Adds the gradients of a micro-batch's loss.
    package func accumulateGradients(
        over batch: [Objective.Example], of step: OfflineStep, backward: (Tensor) throws -> Void
    ) rethrows -> (metrics: Objective.Metrics, observations: [Double], routing: RouterLoad?) {
        var pending: [PendingMetrics<Objective.Metrics>] = []
        var observations = [Double](repeating: 0, count: objective.observationCount)
        model.dropoutSeed = step.dropoutSeed
        defer { model.dropoutSeed = nil }
        let (_, load) = try model.watchingRouters(adding: step.routing.map { $0.slopes.map { $0 * routerAuxLossCoef } })
        {
            for microBatch in microBatches(of: batch) {
                let term = tracer.measure(.forward) { objective.loss(model, microBatch, of: step) }
                pending.append(term.pending)
                observations = zip(observations, term.observations).map(+)
                try backward(term.value)
            }
        }
        // They leave the device once a step.
        return (.gathered(pending), observations, load)
    }

    /// The loss of a micro-batch within a step, with a gradient, as it was computed for that.
    package func loss(of batch: ResponseBatch, _ step: OfflineStep) -> LossTerm<Objective.Metrics> {
        model.dropoutSeed = step.dropoutSeed
        defer { model.dropoutSeed = nil }
        return objective.loss(model, batch, of: step)
    }

    /// This worker's part of the metrics over held-out examples, and of the routers' load.
    ///
    /// - Parameter goesOn: Asked before each micro-batch; `false` leaves out the rest.
    package func metrics(
        over examples: [Objective.Example], of step: OfflineStep, while goesOn: () -> Bool
    ) -> (metrics: Objective.Metrics, routing: RouterLoad?) {
        model.watchingRouters {
            var sums = Objective.Metrics()
            withoutGradients {
                workers.share(of: examples) { share in
                    for microBatch in ResponseBatch.eachMicroBatch(of: share, maxTokens: maxTokens) {
                        guard goesOn() else { return }
                        sums.merge(objective.loss(model, microBatch, of: step).metrics)
                    }
                }
            }
            return sums
        }
    }

    /// The figures of a batch over all workers, the routers' load among them.
    package func reduced(_ metrics: Objective.Metrics, _ routing: RouterLoad?) throws -> MetricValues {
        var values = try metrics.reduced(over: workers).values
        guard let routing = try routing?.reduced(over: workers) else { return values }
        if routerAuxLossCoef > 0, let loss = values["loss"] { values["loss"] = loss + routerAuxLossCoef * routing.loss }
        values.merge(routing.metrics)
        return values
    }

    /// This worker's share of a batch, in micro-batches.
    package func microBatches(of examples: [Objective.Example]) -> [ResponseBatch] {
        workers.share(of: examples) { ResponseBatch.microBatches($0, maxTokens: maxTokens) }
    }

    /// What the losses of a step over these examples are divided by.
    package func weights(of examples: [Objective.Example]) -> [Int] {
        guard let first = examples.first else { return [] }
        return examples.dropFirst().reduce(objective.weights(of: first)) { zip($0, objective.weights(of: $1)).map(+) }
    }

    /// The scores of this worker's share of a batch's pairs, as they travel.
    private func scores(
        of batch: [Objective.Example], _ step: OfflineStep, while goesOn: () -> Bool
    ) -> [UInt8] {
        var writer = ByteWriter()
        withoutGradients {
            workers.share(of: batch.map(objective.stepExample)) { share in
                for microBatch in ResponseBatch.eachMicroBatch(of: share, maxTokens: maxTokens) {
                    guard goesOn() else { return }
                    let scores = tracer.measure(.forward) { objective.scores(model, microBatch, of: step) }
                    for (row, index) in microBatch.indices.enumerated() {
                        writer.write(index)
                        for term in scores.map({ $0[row] }) {
                            for score in [term.chosen, term.rejected, term.margin] { writer.write(score) }
                        }
                    }
                }
            }
        }
        return writer.bytes
    }

    /// The scores of all pairs of a batch, known to every worker from the shares of all.
    private func gathered(_ mine: [UInt8], _ batch: [Objective.Example]) throws -> StepPairs {
        var found: [Int: [StepPairs.Scores]] = [:]
        for bytes in try workers.allGather(mine) {
            var reader = ByteReader(bytes)
            while !reader.rest.isEmpty {
                found[try reader.read(Int.self)] = try (0..<objective.wholeStepTerms).map { _ in
                    StepPairs.Scores(
                        chosen: try reader.read(Double.self), rejected: try reader.read(Double.self),
                        margin: try reader.read(Double.self))
                }
            }
        }
        let indices = batch.map(\.index)
        return StepPairs(
            indices: indices,
            terms: (0..<objective.wholeStepTerms).map { term in
                indices.map { index in
                    guard let scores = found[index] else { preconditionFailure("pair \(index) has no scores") }
                    return scores[term]
                }
            })
    }
}

extension ResponseBatch {
    /// The micro-batches of ``microBatches(_:maxTokens:)``, each made when its turn comes.
    package static func eachMicroBatch<Example: PackableExample>(
        of examples: [Example], maxTokens: Int
    ) -> some Sequence<ResponseBatch> {
        TokenBalancer.group(examples.map(\.tokenCount), budget: maxTokens).lazy.map { group in
            ResponseBatch(group.map { examples[$0] })
        }
    }
}
