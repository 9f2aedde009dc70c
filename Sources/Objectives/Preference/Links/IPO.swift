import Torch

/// `(h - 1 / (2 β))²` (Azar et al. 2023). With the mean as reduction it is TRL's, with the sum the paper's.
package struct IPO: Link {
    package init(_: NoLossOptions) {}

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        (scores.margin - 1 / (2 * beta)).square()
    }
}
