import Configuration
import Torch

/// `Σ_t λ_t log p_t` with `λ_t = 1 + d_t min(1/π(y_t), δ)`: tokens by which the responses differ weigh more, the more the
/// less likely the policy holds them (BMC, arXiv 2408.07471; the paper's form, one λ for policy and references).
package struct BridgedTokens: WeightedSum {
    package static let name = "bmc"
    private let delta: Double

    package init(_ options: BridgedTokensOptions) { delta = options.delta }

    package var needs: LossNeeds { LossNeeds(tokenLogps: true, mask: .changedTokens) }

    package func weights(of tokens: PairLogps.Tokens, in batch: PairBatch) -> Tensor {
        let inverse = (-batch.policy.knownTokens.logps.detached()).exp()
        return batch.mask * inverse.minimum(.full(delta, inverse.shape, inverse.placement)) + 1
    }
}

/// The weights of BMC.
package struct BridgedTokensOptions: LossOptions {
    package static let block: String? = "bmc"

    /// δ.
    package var delta = 2.0

    package init() {}

    package static let fields = Field<Self>.list {
        Field("delta", \.delta, .between(0, 1e6), "The most by which the weight of a changed token grows.")
    }
}
