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

    /// - Parameters:
    ///   - workers: Who shares each batch.
    ///   - maxTokens: Most tokens of one forward and backward pass.
    package init(
        model: DecoderModel, objective: Objective, workers: Communicator, maxTokens: Int,
        tracer: Tracer = Tracer()
    ) {
        self.model = model
        self.objective = objective
        self.workers = workers
        self.maxTokens = maxTokens
        self.tracer = tracer
    }

    /// Adds this worker's part of the batch's gradient, and returns its part of the metrics.
    package func accumulateGradients(over batch: [Objective.Example]) -> Objective.Metrics {
        var sums = Objective.Metrics()
        let weight = weight(of: batch)
        for microBatch in microBatches(of: batch) {
            let term = tracer.measure(.forward) { objective.loss(model, microBatch, stepWeight: weight) }
            sums.merge(term.metrics)
            tracer.measure(.backward) { term.value.backward() }
        }
        return sums
    }

    /// This worker's part of the metrics over held-out examples.
    ///
    /// - Parameter goesOn: Asked before each micro-batch; `false` leaves out the rest.
    package func metrics(over examples: [Objective.Example], while goesOn: () -> Bool) -> Objective.Metrics {
        var sums = Objective.Metrics()
        let weight = weight(of: examples)
        withoutGradients {
            for microBatch in microBatches(of: examples) {
                guard goesOn() else { return }
                sums.merge(objective.loss(model, microBatch, stepWeight: weight).metrics)
            }
        }
        return sums
    }

    /// This worker's share of a batch, in micro-batches.
    package func microBatches(of examples: [Objective.Example]) -> [ResponseBatch] {
        workers.share(of: examples) { ResponseBatch.microBatches($0, maxTokens: maxTokens) }
    }

    /// What the loss of a step over these examples is divided by.
    package func weight(of examples: [Objective.Example]) -> Int {
        examples.reduce(0) { $0 + objective.weight(of: $1) }
    }
}
