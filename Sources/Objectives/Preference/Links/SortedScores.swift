import Configuration
import Torch

/// `-log σ(β (sort(s_chosen) - sort(s_rejected)))`, smoothed, over the whole step: the k-th best of one side against the
/// k-th best of the other, whichever pairs they are of (AOT, arXiv 2406.05882).
package struct SortedScores: Link {
    package static let name = "aot"
    private let labelSmoothing: Double

    package init(_ options: LabelSmoothing) { labelSmoothing = options.labelSmoothing }

    package var needs: LossNeeds { LossNeeds(wholeStep: true) }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let step = batch.step
        let rows = batch.indices.map { step.row(of: $0) }
        // What stands at the same rank on the other side, as it was in the pass before.
        let partners = { (all: [Double]) in Tensor(rows.map { all[$0] }).converted(to: scores.chosen.type) }
        let losses = loss((scores.chosen - partners(step.partners.ofChosen)) * beta)
        // A rank's loss counts once, where its chosen side is; the rejected side has its gradient alone.
        let mirrored = loss((partners(step.partners.ofRejected) - scores.rejected) * beta)
        return losses + (mirrored - mirrored.detached())
    }

    private func loss(_ logits: Tensor) -> Tensor {
        if labelSmoothing == 0 { return -logits.logSigmoid() }
        return logits.logSigmoid() * (labelSmoothing - 1) - (-logits).logSigmoid() * labelSmoothing
    }
}
