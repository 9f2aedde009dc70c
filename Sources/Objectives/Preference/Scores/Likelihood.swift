import Configuration
import Torch

/// The policy's own numbers of the chosen responses, whose negative is a likelihood loss: what ``Negation`` is given.
package struct Likelihood: PairScore {
    package init(_: NoLossOptions) {}

    package func callAsFunction(_ pairs: ReducedPairs) -> PairScores { PairScores(pairs.policy) }
}

/// `-s_chosen` (the next-token loss of the chosen response), divided by the chosen tokens of the step: TRL's `sft`.
package struct Negation: Link {
    package init(_: NoLossOptions) {}

    package var denominator: LossDenominator { .chosenTokens }
    package var readsBeta: Bool { false }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor { -scores.chosen }
}

/// The same, divided by the pairs of the step.
package struct PairNegation: Link {
    package static let name = "negation_by_pair"

    package init(_: NoLossOptions) {}

    package var readsBeta: Bool { false }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor { -scores.chosen }
}

/// `rpo_alpha`: the chosen response's next-token loss, a token, beside any loss (iterative RPO, arXiv 2404.19733).
package struct ChosenLikelihood: LossModifier {
    /// What the term is multiplied by; `nil` for none.
    package var alpha: Double?

    package init() {}

    package static let fields = Field<Self>.list {
        Field(
            "rpo_alpha", \.alpha, .atLeast(0),
            "What the chosen responses' mean next-token loss is multiplied by before it is added (RPO); null for none.")
    }

    package func apply(to terms: inout LossTerms) throws(LossConflict) {
        guard let alpha, alpha > 0 else { return }
        let none = NoLossOptions()
        terms.terms.append(
            LossTerms.Named(
                loss: "rpo",
                term: PreferenceLoss.Term(
                    reduction: Mean(none), score: Likelihood(none), link: PairNegation(none), weight: alpha,
                    isOfPreference: false)))
    }
}
