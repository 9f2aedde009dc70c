import Configuration
import Torch

/// `h = r_chosen - max(0, r_rejected)`: a rejected response that the policy holds less likely than the reference does is
/// pushed no further (MinorDPO, arXiv 2408.09834).
package struct MinorLogRatio: PairScore {
    package static let name = "minor"

    package init(_: NoLossOptions) {}

    package var needs: LossNeeds { LossNeeds(references: 1) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let ratio = pairs.ratio()
        return PairScores(PairNumbers(chosen: ratio.chosen, rejected: ratio.rejected.relu()))
    }
}

/// `h = r_chosen - r_rejected - λ max(0, -r_chosen)`: a chosen response may not become less likely than under the reference
/// (DPO-Positive, arXiv 2402.13228).
package struct PositiveLogRatio: PairScore {
    package static let name = "dpop"
    private let lambda: Double

    package var hasOwnMargin: Bool { true }

    package init(_ options: PositiveLogRatioOptions) { lambda = options.lambda }

    package var needs: LossNeeds { LossNeeds(references: 1) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let ratio = pairs.ratio()
        return PairScores(ratio, margin: ratio.chosen - ratio.rejected - (-ratio.chosen).relu() * lambda)
    }
}

/// The penalty of DPO-Positive.
package struct PositiveLogRatioOptions: LossOptions {
    package static let block: String? = "dpop"

    /// λ.
    package var lambda = 50.0

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "lambda", \.lambda, .atLeast(0), "Weight of the penalty for chosen responses below their reference.")
    }
}
