import MPI
import Runs
import Torch

/// One optimizer step after another on a model that several ranks train together.
///
/// Whatever is divided over the ranks (see ``OptimizerOptions/zero``), a step is the same up to the order in which gradients are
/// added: backward passes, ``finishBackward()``, and ``step(at:)``.
package final class ParameterUpdater {
    package let parameters: ParameterStore
    package let optimizer: AdamW
    package let schedule: LearningRateSchedule
    private let maxGradNorm: Double
    package let communicator: Communicator
    /// Whose optimizer updates which elements, where they are divided over the ranks.
    package let slices: [Range<Int>]?
    private let tracer: Tracer
    /// Where gradients are divided too: what this rank has of them, and whose backward pass comes next.
    private let divided: (gradients: DividedGradients, turns: BackwardTurns, number: Int)?

    /// - Parameter turns: Shared by the updaters of models whose backward passes follow on each other within a step.
    package init(
        _ parameters: ParameterStore, _ options: OptimizerOptions, learningRate: Double? = nil, totalSteps: Int,
        communicator: Communicator, turns: BackwardTurns? = nil, tracer: Tracer = Tracer()
    ) {
        self.parameters = parameters
        self.communicator = communicator
        self.tracer = tracer
        maxGradNorm = options.maxGradNorm
        if options.zero == 2 {
            let gradients = DividedGradients(parameters, over: communicator, tracer: tracer)
            let turns = turns ?? BackwardTurns(over: communicator, tracer: tracer)
            divided = (gradients, turns, turns.add(gradients))
            slices = gradients.slices
        } else {
            divided = nil
            slices = options.zero == 1 ? parameters.slices(communicator.size) : nil
        }
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

    /// Adds the gradients of a loss.
    ///
    /// Where gradients are divided other ranks take part in it: between the first such pass of a step and
    /// ``finishBackward()`` a rank makes no other collective call over theirs.
    package func backward(_ loss: Tensor) throws {
        let pass = { [tracer] in tracer.measure(.backward) { loss.backward() } }
        guard let divided else { return pass() }
        try divided.turns.take(divided.number, pass)
    }

    /// Waits for the backward passes that other ranks have left in this step; all ranks call this after their own, also where
    /// they had none.
    package func finishBackward() throws { try divided?.turns.finish() }

    /// Runs backward passes of this rank alone, and says whether the gradients that they leave are finite. All are cleared.
    package func areGradientsFinite(after passes: () -> Void) -> Bool {
        if let divided { return divided.gradients.areFinite(after: passes) }
        parameters.clearGradients()
        defer { parameters.clearGradients() }
        passes()
        return parameters.gradientNorm().isFinite
    }

    /// Lets the gradients go.
    package func clearGradients() {
        if let divided { divided.gradients.clear() } else { parameters.clearGradients() }
    }

    /// Sums the gradients of all ranks, clips them to the norm, steps, and clears them; `nil`, and gradients cleared, where
    /// the sum is not finite.
    ///
    /// - Parameter planned: As for ``update(norm:at:)``.
    package func step(at planned: Int) throws -> Update? {
        let norm = try reduceGradients()
        guard norm.isFinite else {
            clearGradients()
            return nil
        }
        return try update(norm: norm, at: planned)
    }

    /// Sums the gradients of all ranks and returns their norm: every rank sees the same sum, so all find the same.
    ///
    /// Divided gradients are summed already, since ``finishBackward()``.
    package func reduceGradients() throws -> Double {
        if let divided {
            try tracer.wait(for: communicator)
            return try tracer.measure(.optimizer) { try divided.gradients.norm() }
        }
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
    /// the same bits as without, where the sum of the gradients and its norm are the same.
    ///
    /// - Parameter planned: Which of the stage's planned updates it is, from 0, those that were left out counted too: the
    ///   learning rate goes by the plan. AdamW's correction of its moments goes by the updates that were made.
    package func update(norm: Double, at planned: Int) throws -> Update {
        let update = tracer.measure(.optimizer) {
            let rate = schedule.rate(at: planned)
            if let sum = divided?.gradients.sum {
                let factor = maxGradNorm > 0 ? ParameterStore.clipFactor(maxNorm: maxGradNorm, norm: norm) : 1
                if factor < 1 { sum.scale(by: factor) }
                optimizer.update(learningRate: rate, gradients: sum)
            } else {
                if maxGradNorm > 0 { parameters.clipGradients(maxNorm: maxGradNorm, norm: norm) }
                optimizer.update(learningRate: rate)
            }
            clearGradients()
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
                    for run in group.values(of: elements) { try communicator.broadcast(run.values, root: rank) }
                }
            }
        }
    }
}
