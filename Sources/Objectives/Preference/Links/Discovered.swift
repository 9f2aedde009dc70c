import Configuration
import Torch

/// `(1 - m) (-log σ(z)) + m e^{-z}`, `m = σ(z/τ)`, `z = β h` (DiscoPOP, arXiv 2406.08414 eq. 5).
package struct Discovered: Link {
    package static let name = "discopop"
    private let tau: Double

    package init(_ options: DiscoveredOptions) { tau = options.tau }

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let logits = scores.margin * beta
        let share = (logits * (1 / tau)).sigmoid()
        // Where the exponential would be no number, its share is 0.
        let most = Tensor.full(80, logits.shape, logits.placement)
        return (1 - share) * -logits.logSigmoid() + share * (-logits).minimum(most).exp()
    }
}

/// TRL's `discopop_tau`.
package struct DiscoveredOptions: LossOptions {
    package var tau = 0.05

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "discopop_tau", \.tau, .greaterThan(0), "How fast discopop goes over from one of its losses to the other.")
    }
}
