import Configuration
import Foundation
import Torch

/// `[-(1 - ε) log σ(β h) + ε log σ(-β h)] / (1 - 2ε)`: unbiased where a share ε of labels is flipped (robust DPO, arXiv
/// 2403.00409).
package struct Robust: Link {
    private let labelSmoothing: Double

    package init(_ options: LabelSmoothing) { labelSmoothing = options.labelSmoothing }

    package var conflict: LossConflict? {
        labelSmoothing < 0.5
            ? nil
            : LossConflict(
                "label_smoothing", "has to be below 0.5 for loss_type robust", "write the share of wrong labels")
    }

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let logits = scores.margin * beta
        return (logits.logSigmoid() * (labelSmoothing - 1) + (-logits).logSigmoid() * labelSmoothing)
            * (1 / (1 - 2 * labelSmoothing))
    }
}

/// `σ(z) [log σ(z) - log(1 - ε)] + σ(-z) [log σ(-z) - log ε]`, `z = β h` (EXO, arXiv 2402.00856 eq. 16).
package struct ExactOptimization: Link {
    package static let name = "exo_pair"
    private let labelSmoothing: Double

    package init(_ options: LabelSmoothing) { labelSmoothing = options.labelSmoothing }

    package var conflict: LossConflict? {
        labelSmoothing > 0
            ? nil
            : LossConflict(
                "label_smoothing", "has to be above 0 for exo_pair",
                "write label_smoothing: 0.001, as its paper has")
    }

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let logits = scores.margin * beta
        return logits.sigmoid() * (logits.logSigmoid() - log(1 - labelSmoothing))
            + (-logits).sigmoid() * ((-logits).logSigmoid() - log(labelSmoothing))
    }
}
