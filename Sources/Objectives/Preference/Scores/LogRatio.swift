import Configuration
import Torch

/// `r = log π(y) - log π_ref(y)` of each response, and `h = r_chosen - r_rejected` (Rafailov et al. 2023).
package struct LogRatio: PairScore {
    package init(_: NoLossOptions) {}

    package var needs: LossNeeds { LossNeeds(references: 1) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores { PairScores(pairs.ratio()) }
}

/// The policy's own numbers, without a reference.
package struct PolicyLogps: PairScore {
    package static let name = "policy"

    package init(_: NoLossOptions) {}

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores { PairScores(pairs.policy) }
}

/// `log π(y_chosen) - log π(y_rejected)` and the same of the reference, as scores of two sides: what ``SortedScores`` of
/// `aot` ranks.
package struct MarginsApart: PairScore {
    package static let name = "margins"

    package init(_: NoLossOptions) {}

    package var needs: LossNeeds { LossNeeds(references: 1) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let (policy, reference) = (pairs.policy, pairs.reference())
        return PairScores(
            PairNumbers(chosen: policy.chosen - policy.rejected, rejected: reference.chosen - reference.rejected))
    }
}

/// TRL's `cpo_alpha`.
package struct ContrastiveOptions: LossOptions {
    /// What the next-token loss of CPO is multiplied by.
    package var alpha = 1.0

    package init() {}

    package static let fields = Field<Self>.list {
        Field("cpo_alpha", \.alpha, .atLeast(0), "What cpo's next-token loss of chosen responses is multiplied by.")
    }
}
