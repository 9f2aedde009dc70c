import Torch

/// What one pass over a batch says of it.
package struct DecoderReading {
    /// Log-probabilities of the tokens that were to be predicted.
    package let tokens: TokenLogps
    /// `log Σ_v p_v²` of the distributions that they are taken from, `[predictions]`, without gradient, where it was asked for.
    package let logSumSquares: Tensor?
    /// What the auxiliary head says of the rows that it was asked about, `[rows, outputs]`.
    package let auxiliaryOutputs: Tensor?
}

extension DecoderModel {
    /// Log-probabilities of the tokens that `predictions` names, and in the same pass what else a loss asks for.
    ///
    /// With logits z, `log Σ_v p_v² = logsumexp(2z) - 2 logsumexp(z)`. The log-probability of any token t is
    /// `z_t - logsumexp(z)`, and at half the temperature `2 z_t - logsumexp(2z)`: twice the first less the second is the
    /// sum. So a second pass over the vocabulary gives it, which nobody pays who does not ask.
    ///
    /// - Parameter auxiliaryRows: Rows whose hidden states the auxiliary head reads.
    package func reading(
        _ rows: PackedRows, predictions: PredictedTokens, squares: Bool = false, auxiliaryRows: [Int32] = []
    ) -> DecoderReading {
        let all = hiddenStates(rows, at: predictions.rows + auxiliaryRows)
        let hidden = auxiliaryRows.isEmpty ? all : all.narrowed(0, 0..<predictions.count)
        let tokens = logps(of: predictions.tokens, after: hidden)
        let logSumSquares =
            squares
            ? withoutGradients {
                tokens.logps.detached() * 2
                    - logps(of: predictions.tokens, after: hidden.detached(), temperature: 0.5).logps
            } : nil
        var outputs: Tensor?
        if !auxiliaryRows.isEmpty {
            guard let weight = auxiliaryWeight else {
                preconditionFailure("a model without an auxiliary head is asked")
            }
            outputs = self.outputs(
                of: weight, for: all.narrowed(0, predictions.count..<predictions.count + auxiliaryRows.count))
        }
        return DecoderReading(tokens: tokens, logSumSquares: logSumSquares, auxiliaryOutputs: outputs)
    }
}
