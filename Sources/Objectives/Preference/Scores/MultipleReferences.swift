import Configuration
import Torch

/// `h` against the reference `log π̃(y) = -log(α e^{-l₂} + (1-α) e^{-l₁})` of two, `l₂` clipped to the neighbourhood of `l₁`
/// (MRPO, arXiv 2405.16388; α on the second reference, as the bound of its objective has it).
package struct MultipleReferences: PairScore {
    package static let name = "mrpo"
    private let options: MultipleReferencesOptions

    package init(_ options: MultipleReferencesOptions) { self.options = options }

    package var needs: LossNeeds { LossNeeds(references: 2) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let (first, second) = (pairs.reference(0), options.clipped(pairs))
        let alpha = options.alpha(pairs)
        let joint = { (own: Tensor, other: Tensor) in
            // log(α e^{-l₂} + (1-α) e^{-l₁}) about the larger exponent.
            let largest = (-own).maximum(-other)
            return -(((-other - largest).exp() * alpha + (-own - largest).exp() * (1 - alpha)).log() + largest)
        }
        let policy = pairs.policy
        return PairScores(
            PairNumbers(
                chosen: policy.chosen - joint(first.chosen, second.chosen),
                rejected: policy.rejected - joint(first.rejected, second.rejected)))
    }
}

/// The losses against two references, each alone, averaged with weights `1-α` and `α`: what MRPO is compared with.
package struct SeparateReferences: PairScore {
    package static let name = "multi_dpo"
    private let options: MultipleReferencesOptions

    package var isMixture: Bool { true }

    package init(_ options: MultipleReferencesOptions) { self.options = options }

    package var needs: LossNeeds { LossNeeds(references: 2) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let (policy, first, second) = (pairs.policy, pairs.reference(0), options.clipped(pairs))
        let alpha = options.alpha(pairs)
        let scores = { (reference: PairNumbers) in
            PairScores(
                PairNumbers(chosen: policy.chosen - reference.chosen, rejected: policy.rejected - reference.rejected))
        }
        var mixed = scores(first)
        mixed.mixture = [(1 - alpha, mixed), (alpha, scores(second))]
        return mixed
    }
}

/// How MRPO weighs and bounds its second reference.
package struct MultipleReferencesOptions: LossOptions {
    package static let block: String? = "mrpo"

    /// ε, by which share of `l₁` the second reference may differ.
    package var epsilon = 0.1
    /// The weight of the second reference; `nil` for that by which it tells the responses apart.
    package var alpha: Double?

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "epsilon", \.epsilon, .between(0, 1),
            "By which share the second reference's sums may differ from the first's.")
        Field(
            "alpha", \.alpha, .between(0, 1),
            "Weight of the second reference; null weighs both by how far apart they hold a pair's responses.")
    }

    /// α of each pair, `[n]`: by the sums before they are clipped.
    fileprivate func alpha(_ pairs: ReducedPairs) -> Tensor {
        let gaps = [1, 0].map { index in
            let sums = pairs.reference(index)
            return (sums.chosen - sums.rejected).abs()
        }
        if let alpha { return .full(alpha, gaps[0].shape, gaps[0].placement) }
        return gaps[0] / (gaps[0] + gaps[1] + 1e-6)
    }

    /// The second reference's sums, between `l₁ (1 + ε')` and `l₁ (1 - ε')`; ε is divided over a pair's responses as their
    /// sums are.
    fileprivate func clipped(_ pairs: ReducedPairs) -> PairNumbers {
        let (first, second) = (pairs.reference(0), pairs.reference(1))
        let sizes = ((first.chosen + second.chosen).abs(), (first.rejected + second.rejected).abs())
        // Sums of 0 on both sides have no share.
        let share = sizes.0 / (sizes.0 + sizes.1).maximum(.full(1e-30, sizes.0.shape, sizes.0.placement)) * epsilon
        let clip = { (own: Tensor, other: Tensor, share: Tensor) in
            other.maximum(own * (share + 1)).minimum(own * (1 - share))
        }
        return PairNumbers(
            chosen: clip(first.chosen, second.chosen, share),
            rejected: clip(first.rejected, second.rejected, epsilon - share))
    }
}
