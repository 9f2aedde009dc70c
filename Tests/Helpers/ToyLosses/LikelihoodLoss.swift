import Objectives
import Torch

extension PreferenceLossForm {
    /// Cross-entropy of the tokens of the chosen responses that no rejected one begins with, a mean over chosen tokens.
    static let likelihood = PreferenceLossForm("toy_likelihood", NewTokens.self, Likelihood.self, Negation.self)
}

/// Sums over the tokens of a response that are not at the same place of the other one.
struct NewTokens: Reduction {
    init(_: NoLossOptions) {}

    var needs: LossNeeds {
        LossNeeds(
            tokenLogps: true,
            mask: TokenMask("new") { pair in
                func marks(_ own: [Int32], _ other: [Int32]) -> [Float] {
                    own.enumerated().map { $0 < other.count && other[$0] == $1 ? 0 : 1 }
                }
                return (marks(pair.chosen, pair.rejected), marks(pair.rejected, pair.chosen))
            })
    }

    func callAsFunction(_ logps: PairLogps, in batch: PairBatch) -> PairNumbers {
        guard let tokens = logps.tokens else { preconditionFailure("no tokens") }
        return logps.sums(of: tokens.logps * batch.mask)
    }
}

/// The policy's own numbers: there is no reference.
struct Likelihood: PairScore {
    init(_: NoLossOptions) {}

    func callAsFunction(_ pairs: ReducedPairs) -> PairScores { PairScores(pairs.policy) }
}

/// Less of the chosen response's score, a token.
struct Negation: Link {
    init(_: NoLossOptions) {}

    var denominator: LossDenominator { .chosenTokens }

    func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor { -scores.chosen }
}
