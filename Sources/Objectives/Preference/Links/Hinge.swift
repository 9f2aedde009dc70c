import Torch

/// `max(0, 1 - β h)` (Zhao et al. 2023).
package struct Hinge: Link {
    package init(_: NoLossOptions) {}

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        (1 - scores.margin * beta).relu()
    }
}
