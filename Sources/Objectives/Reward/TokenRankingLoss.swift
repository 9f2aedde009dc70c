import Torch

/// A reward model's loss on rewards of tokens: `Σ_i w_i mean_t -log σ(r_c,t - r_r,t)` over the tokens from where a pair's
/// responses part to the end of the longer one, `w_i` by the kind of the pair (AIHF's reward step, arXiv 2406.06874; without
/// preferences that of RFT, arXiv 2405.17888). It is summed over pairs, and the padding of the shorter response has rewards too,
/// as in its authors' code.
package struct TokenRankingLoss: Sendable, Equatable {
    /// w of pairs that were compared.
    package var preferenceWeight: Double
    /// w of demonstrations against samples.
    package var demonstrationWeight: Double

    package init(preferenceWeight: Double = 1, demonstrationWeight: Double = 1) {
        (self.preferenceWeight, self.demonstrationWeight) = (preferenceWeight, demonstrationWeight)
    }

    /// A pair whose tokens are among those of a batch.
    package struct Span: Sendable, Equatable {
        /// How many tokens the longer response has.
        package var length: Int
        /// The first place at which the responses differ.
        package var divergence: Int
        package var kind: PairKind

        package init(length: Int, divergence: Int, kind: PairKind) {
            (self.length, self.divergence, self.kind) = (length, divergence, kind)
        }

        /// That of two responses; of equal ones it has no token that counts.
        package init(chosen: [Int32], rejected: [Int32], kind: PairKind) {
            let shared = zip(chosen, rejected).prefix { $0 == $1 }.count
            self.init(length: max(chosen.count, rejected.count), divergence: shared, kind: kind)
        }
    }

    /// The loss of a batch, a scalar.
    ///
    /// - Parameters:
    ///   - chosen: Rewards of the better responses' tokens, `[tokens]`: those of a pair after another's, each filled up to the
    ///     longer response.
    ///   - rejected: The worse ones', in the same order.
    package func callAsFunction(chosen: Tensor, rejected: Tensor, _ spans: [Span]) -> Tensor {
        let weights = spans.flatMap { span in
            let counted = max(0, span.length - span.divergence)
            let weight = span.kind == .preference ? preferenceWeight : demonstrationWeight
            return (0..<span.length).map { $0 < span.divergence ? 0 : weight / Double(counted) }
        }
        precondition(
            chosen.shape == [weights.count] && rejected.shape == chosen.shape,
            "rewards \(chosen.shape), \(rejected.shape) of \(weights.count) tokens")
        return -((chosen - rejected).logSigmoid() * Tensor(weights).placed(chosen.placement)).sum()
    }
}

extension TokenRankingLoss {
    /// Scores of a micro-batch's tokens, and of its responses.
    package struct Scores {
        /// Of the better and of the worse responses' tokens, as the loss has them.
        package let (chosenTokens, rejectedTokens): (Tensor, Tensor)
        /// `[pairs]`, where a reward model is asked for the score of a response.
        package let (chosen, rejected): (Tensor, Tensor)

        package init(chosenTokens: Tensor, rejectedTokens: Tensor, chosen: Tensor, rejected: Tensor) {
            (self.chosenTokens, self.rejectedTokens) = (chosenTokens, rejectedTokens)
            (self.chosen, self.rejected) = (chosen, rejected)
        }
    }

    /// The share of a micro-batch in a step's loss, which is a mean over its pairs, that it does not grow with the batch.
    ///
    /// - Parameters:
    ///   - centering: Weight of the squared sum of both scores of a pair.
    ///   - globalPairs: How many pairs the whole optimizer step has.
    package func term(
        _ scores: Scores, _ spans: [Span], centering: Double = 0, globalPairs: Int
    ) -> LossTerm<BradleyTerryMetrics> {
        var sum = self(chosen: scores.chosenTokens, rejected: scores.rejectedTokens, spans)
        if centering > 0 { sum = sum + (scores.chosen + scores.rejected).square().sum() * centering }
        let kinds = spans.map(\.kind)
        return LossTerm(
            value: sum * (1 / Double(globalPairs)), figures: [scores.chosen, scores.rejected, sum.reshaped([1])]
        ) { BradleyTerryMetrics(chosen: $0[0], rejected: $0[1], losses: $0[2], kinds: kinds) }
    }
}
