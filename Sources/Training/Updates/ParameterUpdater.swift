import MPI
import Runs
import Torch

/// One optimizer step after another on a model that several ranks train together.
package final class ParameterUpdater {
    package let parameters: ParameterStore
    package let optimizer: AdamW
    package let schedule: LearningRateSchedule
    private let maxGradNorm: Double
    package let communicator: Communicator
    /// Whose optimizer updates which elements, where they are divided over the ranks.
    package let slices: [Range<Int>]?
    private let tracer: Tracer

    package init(
        _ parameters: ParameterStore, _ options: OptimizerOptions, learningRate: Double? = nil, totalSteps: Int,
        communicator: Communicator, tracer: Tracer = Tracer()
    ) {
        self.parameters = parameters
        self.communicator = communicator
        self.tracer = tracer
        maxGradNorm = options.maxGradNorm
        slices = options.zero == 1 ? parameters.slices(communicator.size) : nil
        optimizer = AdamW(
            parameters,
            options: AdamW.Options(
                beta1: options.adamBeta1, beta2: options.adamBeta2, epsilon: options.adamEpsilon,
                weightDecay: options.weightDecay),
            slice: slices?[communicator.rank])
        schedule = LearningRateSchedule(
            peak: learningRate ?? options.learningRate, warmupSteps: options.warmup(of: totalSteps),
            totalSteps: totalSteps, decay: options.schedule)
    }

    /// Bytes of the parameters and the optimizer's moments.
    package var stateBytes: Int { (parameters.count + 2 * parameters.trainedCount) * MemoryLayout<Float>.size }

    /// What a step did.
    package struct Update {
        package var gradientNorm: Double
        package var learningRate: Double
    }

    /// Sums the gradients of all ranks, clips them to the norm, steps, and clears them; `nil`, and gradients cleared, where
    /// the sum is not finite.
    ///
    /// - Parameter planned: As for ``update(norm:at:)``.
    package func step(at planned: Int) throws -> Update? {
        let norm = try reduceGradients()
        guard norm.isFinite else {
            parameters.clearGradients()
            return nil
        }
        return try update(norm: norm, at: planned)
    }

    /// Sums the gradients of all ranks and returns their norm: every rank sees the same sum, so all find the same.
    package func reduceGradients() throws -> Double {
        // A rank alone has the sum already, and need not fetch it from a card.
        try tracer.collective(over: communicator) {
            for group in parameters.trained where communicator.size > 1 {
                guard let gradients = group.gradients else { preconditionFailure("a frozen model is not updated") }
                try gradients.withStagedFloats(for: .updating) { try communicator.allReduce($0, .sum) }
            }
        }
        return tracer.measure(.optimizer) { parameters.gradientNorm() }
    }

    /// Clips the summed gradients, steps down them, and clears them.
    ///
    /// With moments that are divided over the ranks each rank updates its slice and gets the others' from those who did:
    /// the same bits as without, since all have the whole sum of the gradients and its norm.
    ///
    /// - Parameter planned: Which of the stage's planned updates it is, from 0, those that were left out counted too: the
    ///   learning rate goes by the plan. AdamW's correction of its moments goes by the updates that were made.
    package func update(norm: Double, at planned: Int) throws -> Update {
        let update = tracer.measure(.optimizer) {
            if maxGradNorm > 0 { parameters.clipGradients(maxNorm: maxGradNorm, norm: norm) }
            let rate = schedule.rate(at: planned)
            optimizer.update(learningRate: rate)
            parameters.clearGradients()
            return Update(gradientNorm: norm, learningRate: rate)
        }
        if let slices { try exchange(slices) }
        return update
    }

    /// Overwrites each slice of the parameters by that of the rank which updated it.
    private func exchange(_ slices: [Range<Int>]) throws {
        try tracer.collective(over: communicator) {
            for (rank, slice) in slices.enumerated() {
                for (group, elements) in parameters.parts(of: slice) {
                    let sends = rank == communicator.rank
                    try group.values.narrowed(0, elements).withStagedFloats(for: sends ? .reading : .overwriting) {
                        try communicator.broadcast($0, root: rank)
                    }
                }
            }
        }
    }
}
