import Configuration
import Torch

/// `-p^γ log p`, `p = σ(β h)`: pairs that the policy ranks wrongly count less (FocalPO, arXiv 2501.06645).
package struct Focal: Link {
    package static let name = "focalpo"
    private let options: FocalOptions

    package var isOfMargin: Bool { true }

    package init(_ options: FocalOptions) { self.options = options }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let logp = (scores.margin * beta).logSigmoid()
        if options.gamma == 0 { return -logp }
        let factor = ((options.isDetached ? logp.detached() : logp) * options.gamma).exp()
        return -(factor * logp)
    }
}

/// The factor of FocalPO.
package struct FocalOptions: LossOptions {
    package static let block: String? = "focalpo"

    /// γ.
    package var gamma = 0.05
    /// Whether the factor has no gradient.
    package var isDetached = false

    package init() {}

    package static let fields = Field<Self>.list {
        Field("gamma", \.gamma, .atLeast(0), "Power of a pair's probability that its loss is multiplied by.")
        Field("detached", \.isDetached, "Whether that factor has no gradient.")
    }
}
