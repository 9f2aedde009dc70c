import Configuration
import Objectives
import Torch

extension PreferenceLossForm {
    /// BCO: each response against the mean reward so far.
    static let shifted = PreferenceLossForm("toy_shifted", Sum.self, LogRatio.self, RunningShift.self)
}

/// `-log σ(β r_chosen - δ) - log σ(-(β r_rejected - δ))`, δ being the moving average of all rewards `β r`.
struct RunningShift: Link {
    let momentum: Double

    init(_ options: RunningShiftOptions) { momentum = options.momentum }

    /// The average of scores, and the steps that it is of.
    var initialState: [Double] { [0, 0] }
    var observationCount: Int { 2 }

    func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let delta = beta * batch.state[0]
        return -(scores.chosen * beta - delta).logSigmoid() - (delta - scores.rejected * beta).logSigmoid()
    }

    func observations(of scores: PairScores, in batch: PairBatch) -> [Double] {
        [(scores.chosen + scores.rejected).detached().sum().item(), Double(2 * batch.count)]
    }

    func state(after observations: [Double], from state: [Double]) -> [Double] {
        let mean = observations[0] / max(1, observations[1])
        return [state[1] == 0 ? mean : momentum * state[0] + (1 - momentum) * mean, state[1] + 1]
    }
}

struct RunningShiftOptions: LossOptions {
    var momentum = 0.9

    static let fields = Field<Self>.list {
        Field("toy_momentum", \.momentum, .belowOne, "How much of the mean reward so far stays at each step.")
    }
}
