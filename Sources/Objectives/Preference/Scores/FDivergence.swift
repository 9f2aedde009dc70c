import Configuration
import Foundation
import Torch

/// `s = f'(π/π_ref)` of each response in place of its log-ratio: the tie to the reference is another divergence (f-DPO,
/// arXiv 2309.16240).
///
/// Where the loss divides by tokens, `f'` is of the whole response's ratio, and its value is divided, as in TRL.
package struct FDivergence: PairScore {
    package static let name = "f_divergence"
    private let options: FDivergenceOptions

    package init(_ options: FDivergenceOptions) { self.options = options }

    package var needs: LossNeeds { LossNeeds(references: 1) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let (ratio, divisors) = pairs.undividedRatio()
        let scores = PairNumbers(chosen: derivative(ratio.chosen), rejected: derivative(ratio.rejected))
        return PairScores(divisors.map { scores / $0 } ?? scores)
    }

    private func derivative(_ ratio: Tensor) -> Tensor {
        switch options.type {
        case .reverseKL: return ratio
        case .forwardKL: return 1 - (-ratio).minimum(.full(80, ratio.shape, ratio.placement)).exp()
        case .jensenShannon: return ratio.logSigmoid() + log(2.0)
        case .alpha:
            // Where α is 1, f' is the log-ratio.
            let power = options.coefficient - 1
            if abs(power) < 1e-6 { return ratio }
            // As TRL clamps it, for its exponential to be a number.
            let most = Tensor.full(80, ratio.shape, ratio.placement)
            return ((ratio * power).minimum(most).exp() - 1) * (1 / power)
        }
    }
}

/// TRL's `f_divergence_type`, beside any loss of the difference of scores.
package struct FDivergenceOptions: LossModifier {
    package var type = Kind.reverseKL
    /// α of the α-divergence.
    package var coefficient = 0.5

    package init() {}

    /// Divergences from the policy to the reference.
    package enum Kind: String, ConfigurationWord {
        case reverseKL = "reverse_kl"
        case forwardKL = "forward_kl"
        case jensenShannon = "js_divergence"
        case alpha = "alpha_divergence"
    }

    package static let fields = Field<Self>.list {
        Field("f_divergence_type", \.type, "Divergence that ties the policy to the reference (f-DPO).")
        Field(
            "f_alpha_divergence_coef", \.coefficient, .between(-10, 10),
            "α of alpha_divergence: the nearer to 1, the nearer to reverse_kl, and to 0, to forward_kl.")
    }

    package func apply(to terms: inout LossTerms) throws(LossConflict) {
        guard type == .alpha || coefficient == Self().coefficient else {
            throw LossConflict(
                "f_alpha_divergence_coef", "has no meaning for f_divergence_type \(type.rawValue)",
                "write f_divergence_type: alpha_divergence, or leave it out")
        }
        guard type != .reverseKL else { return }
        guard terms.terms.contains(where: \.term.isOfPreference) else {
            throw LossConflict("f_divergence_type", "has no meaning for loss_type \(terms.losses)", "leave it out")
        }
        for row in terms.terms.indices where terms.terms[row].term.isOfPreference {
            let (term, loss) = (terms.terms[row].term, terms.terms[row].loss)
            guard term.score is LogRatio, term.link.isOfMargin else {
                throw LossConflict(
                    "f_divergence_type",
                    "\(type.rawValue) has no meaning for loss_type \(loss), which is no function of the difference of log-ratios alone",
                    "leave it at reverse_kl, or use a loss such as sigmoid")
            }
            terms.terms[row].term.score = FDivergence(self)
        }
    }
}
