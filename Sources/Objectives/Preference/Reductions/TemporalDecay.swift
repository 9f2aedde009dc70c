import Configuration
import Foundation
import Torch

/// `Σ_t γ^t log p_t` with t from 1: early tokens count more (D2PO, arXiv 2502.14340; the exponents of its released code).
package struct TemporalDecay: WeightedSum {
    package static let name = "d2po_decay"
    private let gamma: Double

    package init(_ options: TemporalDecayOptions) { gamma = options.gamma }

    package func weights(of tokens: PairLogps.Tokens, in batch: PairBatch) -> Tensor {
        tokens.constants { _, position in pow(gamma, Double(position)) }
    }
}

/// The decay of D2PO.
package struct TemporalDecayOptions: LossOptions {
    package static let block: String? = "d2po"

    /// γ.
    package var gamma = 0.98

    package init() {}

    package static let fields = Field<Self>.list {
        Field("gamma", \.gamma, .aboveZero(upTo: 1), "How much of its weight a token has left over the one before it.")
    }
}
