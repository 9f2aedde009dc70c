import MPI
import Torch

/// One optimizer step after another on a model that several ranks train together.
package final class ParameterUpdater {
    let parameters: ParameterBuffer
    package let optimizer: AdamW
    let schedule: LearningRateSchedule
    private let maxGradNorm: Double
    private let communicator: Communicator

    package init(
        _ parameters: ParameterBuffer, _ options: OptimizerOptions, learningRate: Double? = nil, totalSteps: Int,
        communicator: Communicator
    ) {
        self.parameters = parameters
        self.communicator = communicator
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

    /// Bytes of the parameters and the optimizer's moments.
    var stateBytes: Int { 3 * parameters.count * MemoryLayout<Float>.size }

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
        if communicator.size > 1 {
            try gradients.withUnsafeMutableFloats { try communicator.allReduce($0, .sum) }
        }
        let norm = parameters.gradientNorm()
        guard norm.isFinite else { return nil }
        if maxGradNorm > 0 { parameters.clipGradients(maxNorm: maxGradNorm, norm: norm) }
        let rate = schedule.rate(at: optimizer.step)
        optimizer.update(learningRate: rate)
        parameters.clearGradients()
        return Update(gradientNorm: norm, learningRate: rate)
    }
}
