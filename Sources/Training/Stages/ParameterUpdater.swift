import MPI
import Torch

/// One optimizer step after another on a model that several ranks train together.
package final class ParameterUpdater {
    let parameters: ParameterBuffer
    package let optimizer: AdamW
    let schedule: LearningRateSchedule
    private let maxGradNorm: Double
    private let communicator: Communicator
    private let tracer: Tracer

    package init(
        _ parameters: ParameterBuffer, _ options: OptimizerOptions, learningRate: Double? = nil, totalSteps: Int,
        communicator: Communicator, tracer: Tracer = Tracer()
    ) {
        self.parameters = parameters
        self.communicator = communicator
        self.tracer = tracer
        maxGradNorm = options.maxGradNorm
        optimizer = AdamW(
            parameters,
            options: AdamW.Options(
                beta1: options.adamBeta1, beta2: options.adamBeta2, epsilon: options.adamEpsilon,
                weightDecay: options.weightDecay))
        schedule = LearningRateSchedule(
            peak: learningRate ?? options.learningRate, warmupSteps: options.warmup(of: totalSteps),
            totalSteps: totalSteps, decay: options.schedule)
    }

    /// What a step did.
    package struct Update {
        package var gradientNorm: Double
        package var learningRate: Double
    }

    /// Sums the gradients of all ranks, clips them to the norm, steps, and clears them.
    ///
    /// Every rank sees the same sum, so all find the same norm; where it is not finite, nothing is changed and the result is
    /// `nil` on all of them.
    package func step() throws -> Update? {
        guard let gradients = parameters.gradients else { preconditionFailure("a frozen model is not updated") }
        try tracer.collective(over: communicator) {
            try gradients.withUnsafeMutableFloats { try communicator.allReduce($0, .sum) }
        }
        return tracer.measure(.optimizer) { update() }
    }

    /// Clips the gradients, which are the same on all ranks, steps and clears them.
    private func update() -> Update? {
        let norm = parameters.gradientNorm()
        guard norm.isFinite else { return nil }
        if maxGradNorm > 0 { parameters.clipGradients(maxNorm: maxGradNorm, norm: norm) }
        let rate = schedule.rate(at: optimizer.step)
        optimizer.update(learningRate: rate)
        parameters.clearGradients()
        return Update(gradientNorm: norm, learningRate: rate)
    }
}
