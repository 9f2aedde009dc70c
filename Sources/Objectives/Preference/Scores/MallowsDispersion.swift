import Configuration
import Foundation
import Torch

/// `h = s(x) (r_chosen - r_rejected)` with `s(x) = -c ln H̄(x)`: prompts whose answers are surer count more (MallowsPO's θ
/// variant, arXiv 2405.14953; the per-token mean of its released code).
package struct MallowsDispersion: PairScore {
    package static let name = "mallows"
    private let options: MallowsOptions

    package var hasOwnMargin: Bool { true }

    package init(_ options: MallowsOptions) { self.options = options }

    package var needs: LossNeeds { LossNeeds(referenceEntropies: true, references: 1) }

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores {
        let ratio = pairs.ratio()
        let surety = pairs.batch.meanEntropy.log() * -options.dispersion
        return PairScores(ratio, margin: (ratio.chosen - ratio.rejected) * surety)
    }
}

/// The dispersion that MallowsPO's variants share.
package struct MallowsOptions: LossOptions {
    package static let block: String? = "mallows"

    /// c, which makes a mean entropy a dispersion.
    package var dispersion = 0.29

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "dispersion", \.dispersion, .greaterThan(0),
            "c of φ = H^c, H being the reference's mean entropy over the responses of a pair, relative to its most.")
    }
}

extension PairBatch {
    /// `H̄`, the first reference's mean entropy a token over chosen and rejected responses, relative to that of a uniform
    /// distribution, `[n]`; in `(0, 1)` for a model that is neither certain nor blind.
    var meanEntropy: Tensor {
        let means = policy.means(of: policy.sums(of: entropies()))
        // A distribution that is certain in float32 has no logarithm.
        return ((means.chosen + means.rejected) * (0.5 / log(Double(vocabularySize)))).clamped(1e-6, 1)
    }
}
