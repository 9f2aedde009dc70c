import Configuration
import Torch

/// `Σ_{t ≤ m} log p_t + α Σ_{t > m} log p_t`, m the length of the pair's shorter response (LD-DPO, arXiv 2409.06411).
package struct SharedLength: WeightedSum {
    package static let name = "ld"
    private let alpha: Double

    package init(_ options: LengthDesensitization) { self.init(alpha: options.alpha ?? 1) }

    init(alpha: Double) { self.alpha = alpha }

    package func weights(of tokens: PairLogps.Tokens, in batch: PairBatch) -> Tensor {
        let shared = zip(batch.policy.chosenLengths, batch.policy.rejectedLengths).map(min)
        return tokens.constants { response, position in position > shared[response / 2] ? alpha : 1 }
    }
}

/// TRL's `ld_alpha`, beside any loss.
package struct LengthDesensitization: LossModifier {
    /// α; `nil` counts all tokens, as 1 does.
    package var alpha: Double?

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "ld_alpha", \.alpha, .between(0, 1),
            "How much tokens count beyond the length of the pair's shorter response (LD-DPO); null counts all.")
    }

    package func apply(to terms: inout LossTerms) throws(LossConflict) {
        guard let alpha else { return }
        guard terms.terms.contains(where: \.term.isOfPreference) else {
            throw LossConflict("ld_alpha", "has no meaning for loss_type \(terms.losses)", "leave it out")
        }
        for row in terms.terms.indices where terms.terms[row].term.isOfPreference {
            let reduction = terms.terms[row].term.reduction
            guard reduction is Sum || (reduction as? Mean)?.base is Sum else {
                throw LossConflict(
                    "ld_alpha", "weighs tokens, as \(type(of: (reduction as? Mean)?.base ?? reduction).name) does",
                    "leave one of them out")
            }
            terms.terms[row].term.replaceReduction(by: SharedLength(alpha: alpha))
        }
    }
}
