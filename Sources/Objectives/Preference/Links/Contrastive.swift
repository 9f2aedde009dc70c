import Configuration
import Torch

/// `-log σ(β r_c) - ½ log σ(-β r_c) - ½ log σ(-β r_r)` (NCA, arXiv 2402.05369).
package struct NoiseContrastive: Link {
    package static let name = "nca_pair"

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let (chosen, rejected) = (scores.chosen * beta, scores.rejected * beta)
        return -chosen.logSigmoid() - ((-chosen).logSigmoid() + (-rejected).logSigmoid()) * 0.5
    }
}

/// `-log σ(β r_c) - log σ(-β r_r)` (BCO without its shift, arXiv 2404.04656).
package struct BinaryClassifier: Link {
    package static let name = "bco_pair"

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        -(scores.chosen * beta).logSigmoid() - (-(scores.rejected * beta)).logSigmoid()
    }
}

/// `-log σ(β r_c - δ) - log σ(-(β r_r - δ))`, δ the running mean of all rewards `β r` (BCO, arXiv 2404.04656).
package struct ShiftedClassifier: Link {
    package static let name = "bco_shift"
    private let momentum: Double

    package init(_ options: ShiftedClassifierOptions) { momentum = options.momentum }

    /// The mean of scores so far, and the steps that it is of.
    package var initialState: [Double] { [0, 0] }
    package var observationCount: Int { 2 }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let delta = beta * batch.state[0]
        return -(scores.chosen * beta - delta).logSigmoid() - (delta - scores.rejected * beta).logSigmoid()
    }

    package func observations(of scores: PairScores, in batch: PairBatch) -> [Double] {
        [(scores.chosen + scores.rejected).detached().sum().item(), Double(2 * batch.count)]
    }

    package func state(after observations: [Double], from state: [Double]) -> [Double] {
        let mean = observations[0] / max(1, observations[1])
        return [state[1] == 0 ? mean : momentum * state[0] + (1 - momentum) * mean, state[1] + 1]
    }
}

/// The shift of BCO.
package struct ShiftedClassifierOptions: LossOptions {
    package static let block: String? = "bco_shift"

    package var momentum = 0.9

    package init() {}

    package static let fields = Field<Self>.list {
        Field("momentum", \.momentum, .belowOne, "How much of the mean reward so far stays at each step.")
    }
}
