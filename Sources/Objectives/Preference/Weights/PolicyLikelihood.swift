import Configuration
import Torch

/// `w_c w_r` with `w = exp(mean_t(log p_t - log Σ_v p_v²))`: pairs count as the policy itself would have drawn them (WPO, arXiv
/// 2406.11827 eq. 2); without its alignment `w = exp(mean_t log p_t)`.
package struct PolicyLikelihood: PairWeighting {
    private let isAligned: Bool

    package init(isAligned: Bool) { self.isAligned = isAligned }

    package var needs: LossNeeds { LossNeeds(tokenLogps: isAligned, logSumSquares: isAligned) }

    package func callAsFunction(_ batch: PairBatch) -> Tensor {
        let policy = batch.policy
        let sums =
            isAligned
            ? policy.sums(of: policy.knownTokens.logps - batch.logSumSquares)
            : PairNumbers(chosen: policy.chosen, rejected: policy.rejected)
        let means = policy.means(of: sums)
        return (means.chosen + means.rejected).exp().detached()
    }
}

/// TRL's `use_weighting`, beside any loss that pairs have alone.
package struct PolicyWeighting: LossModifier {
    package var isUsed = false
    /// Whether a token's probability is relative to the mean probability of what the policy would have drawn there.
    package var isAligned = true

    package init() {}

    package static let fields = Field<Self>.list {
        Field("use_weighting", \.isUsed, "Whether pairs count as likely as the policy would have drawn them (WPO).")
        Field(
            "weighting_alignment", \.isAligned,
            "Whether these weights are relative to what the policy draws on average.")
    }

    package func apply(to terms: inout LossTerms) throws(LossConflict) {
        guard isUsed else {
            guard isAligned else {
                throw LossConflict(
                    "weighting_alignment", "has no meaning without use_weighting", "write use_weighting: true")
            }
            return
        }
        for term in terms.terms where term.term.needs.wholeStep || term.term.link.denominator != .pairs {
            throw LossConflict(
                "use_weighting", "has no meaning for loss_type \(term.loss), whose losses are not of single pairs",
                "leave one of them out")
        }
        terms.weighting = PolicyLikelihood(isAligned: isAligned)
    }
}
