import Configuration
import Torch

/// `-(1 - ε) log σ(β h) - ε log σ(-β h)`, `ε` being the label smoothing (conservative DPO; Rafailov et al. 2023 without).
package struct Sigmoid: Link {
    /// The probability that a label is flipped.
    package let labelSmoothing: Double

    package init(_ options: LabelSmoothing) { labelSmoothing = options.labelSmoothing }

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let h = scores.margin
        let asLabelled = -(h * beta).logSigmoid()
        if labelSmoothing == 0 { return asLabelled }
        return asLabelled * (1 - labelSmoothing) - (h * -beta).logSigmoid() * labelSmoothing
    }
}

/// How far labels are trusted.
package struct LabelSmoothing: LossOptions {
    /// The share of labels taken to be wrong.
    package var labelSmoothing = 0.0

    package init() {}

    package init(_ share: Double) { labelSmoothing = share }

    package static let fields = Field<Self>.list {
        Field(
            "label_smoothing", \.labelSmoothing, .between(0, 0.5),
            "Share of labels taken to be wrong, for losses with a sigmoid.")
    }
}
