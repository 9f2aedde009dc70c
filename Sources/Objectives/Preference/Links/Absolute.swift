import Configuration
import Torch

/// `(r_c - 1/(2β))² + (r_r + 1/(2β))²` (SPPO with hard labels, arXiv 2405.00675).
package struct SelfPlay: Link {
    package static let name = "sppo_hard"

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        (scores.chosen - 0.5 / beta).square() + (scores.rejected + 0.5 / beta).square()
    }
}

/// `1 - σ(β r_c) + σ(β r_r)`: chosen up, rejected down (anchored preference optimisation, arXiv 2408.06266 eq. 7).
package struct AnchoredAtZero: Link {
    package static let name = "apo_zero"

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        1 - (scores.chosen * beta).sigmoid() + (scores.rejected * beta).sigmoid()
    }
}

/// `σ(β r_c) + 1 - σ(β h)`: both down, rejected more (arXiv 2408.06266 eq. 8).
package struct AnchoredDown: Link {
    package static let name = "apo_down"

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        (scores.chosen * beta).sigmoid() + 1 - (scores.margin * beta).sigmoid()
    }
}
