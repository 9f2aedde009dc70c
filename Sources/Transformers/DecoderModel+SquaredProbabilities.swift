import Torch

extension DecoderModel {
    /// Log-probabilities of the tokens that `predictions` names, and without gradient `log Σ_v p_v²`, `[predictions]`, of
    /// the distributions that they are taken from.
    ///
    /// With logits z, `log Σ_v p_v² = logsumexp(2z) - 2 logsumexp(z)`. The log-probability of any token t is
    /// `z_t - logsumexp(z)`, and at half the temperature `2 z_t - logsumexp(2z)`: twice the first less the second is the
    /// sum. So a second pass over the vocabulary gives it, which nobody pays who does not ask.
    package func tokenLogpsAndSquares(
        _ rows: PackedRows, predictions: PredictedTokens
    ) -> (tokens: TokenLogps, logSumSquares: Tensor) {
        let hidden = hiddenStates(rows, at: predictions.rows)
        let targets = Tensor(indices: predictions.tokens)
        let tokens = hidden.logps(ofTargets: targets, vocabulary: vocabulary)
        let squares = withoutGradients {
            tokens.logps.detached() * 2
                - hidden.detached().logps(ofTargets: targets, vocabulary: vocabulary, temperature: 0.5).logps
        }
        return (tokens, squares)
    }
}
