import Configuration

/// What a pair's label comes from.
package enum PairKind: Sendable, Equatable {
    /// Two answers were compared.
    case preference
    /// An answer that was given to learn from stands before one that the policy drew.
    case demonstration
}

/// `w_p mean over preferences + w_d mean over demonstrations` in place of the mean over all pairs, so that neither is outweighed
/// by its number (AIHF's implicit form, arXiv 2406.06874). At `w_p = 0` it is IRFT's loss, at `w_d = 0` the preferences'.
package struct KindWeights: LossModifier {
    package static let block: String? = "aihf"

    /// w_p.
    package var preference: Double?
    /// w_d.
    package var demonstration: Double?

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "preference_weight", \.preference, .atLeast(0),
            default: "1 where demonstration_weight is given; else all pairs count alike",
            "Weight of the mean over pairs of preference, beside that over demonstrations (AIHF).")
        Field(
            "demonstration_weight", \.demonstration, .atLeast(0),
            default: "1 where preference_weight is given; else all pairs count alike",
            "Weight of the mean over pairs of a demonstration and a drawn response.")
    }

    /// Whether the kinds are weighed.
    package var isUsed: Bool { preference != nil || demonstration != nil }

    package func apply(to terms: inout LossTerms) throws(LossConflict) {
        guard isUsed else { return }
        let weights = [(PairKind.preference, preference ?? 1), (.demonstration, demonstration ?? 1)]
        guard weights.contains(where: { $0.1 > 0 }) else {
            throw LossConflict("aihf", "leaves nothing of the loss", "give one of its weights above 0")
        }
        var weighed: [LossTerms.Named] = []
        for named in terms.terms {
            guard named.term.isOfPreference else {
                weighed.append(named)
                continue
            }
            guard named.term.link.denominator == .pairs, !named.term.needs.wholeStep, named.term.initialState.isEmpty
            else {
                throw LossConflict(
                    "aihf", "has no meaning for loss_type \(named.loss), which is no mean over single pairs",
                    "write loss_type: sigmoid, or leave aihf out")
            }
            for (kind, weight) in weights {
                var part = named
                part.term.kind = kind
                part.term.weight *= weight
                weighed.append(part)
            }
        }
        terms.terms = weighed
    }
}
