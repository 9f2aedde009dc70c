import Configuration
import Torch

/// `-l - ρ sg[l] (a (log π(y_w) + log π(y_l)) + b l)` with `l = log σ(β h)`: DPO's loss, and what it misses where the policy
/// draws the responses (`a = 1`) or the label (`b = 1`) itself, so that the objective's distribution moves with it (SAIL, arXiv
/// 2406.15567; `sg` stops gradients). At ρ = 1 the gradient is that of the expected loss.
package struct OwnDistribution: Link {
    private let rho: Double

    package init(_ options: OwnDistributionOptions) { rho = options.rho }

    package var isOfMargin: Bool { true }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let likelihoods = (scores.margin * beta).logSigmoid()
        let flags = { (flag: (PairOrigin) -> Bool) in Tensor(batch.origins.map { flag($0) ? Float(1) : 0 }) }
        let moved =
            (batch.policy.chosen + batch.policy.rejected) * flags(\.drawsResponses)
            + likelihoods * flags(\.drawsLabel)
        return -likelihoods - likelihoods.detached() * moved * rho
    }
}

/// How much of it counts.
package struct OwnDistributionOptions: LossModifier {
    /// ρ.
    package var rho = 0.0

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "sail_rho", \.rho, .between(0, 10),
            "Weight of what the loss misses because the policy draws responses or labels itself (SAIL): 0 leaves DPO's loss, 1 "
                + "is the gradient of the expected loss.")
    }

    package func apply(to terms: inout LossTerms) throws(LossConflict) {
        guard rho > 0 else { return }
        guard terms.terms.contains(where: \.term.isOfPreference) else {
            throw LossConflict(
                "sail_rho",
                "has no meaning for loss_type \(terms.terms.map(\.loss).joined(separator: ", ")), which compares nothing",
                "write loss_type: sigmoid, or leave it out")
        }
        for row in terms.terms.indices where terms.terms[row].term.isOfPreference {
            let (term, loss) = (terms.terms[row].term, terms.terms[row].loss)
            guard term.score is LogRatio, term.reduction is Sum, (term.link as? Sigmoid)?.labelSmoothing == 0 else {
                throw LossConflict(
                    "sail_rho", "has no meaning for loss_type \(loss), whose labels are not drawn as its losses say",
                    "write loss_type: sigmoid without label_smoothing, or leave it out")
            }
            terms.terms[row].term.link = OwnDistribution(self)
        }
    }
}
