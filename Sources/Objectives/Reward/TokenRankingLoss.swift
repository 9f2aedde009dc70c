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
