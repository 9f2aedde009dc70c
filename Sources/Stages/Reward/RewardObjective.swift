import Objectives
import PreferenceData
import Runs
import Torch
import Training
import Transformers

/// Training of the score of each response, which is read at its last token that is not the model's padding: of that score alone
/// (Bradley & Terry), or of those of all tokens from where a pair's responses part.
package struct RewardObjective: OfflineObjective {
    package let loss: BradleyTerryLoss
    /// What ranks tokens, where there are demonstrations; the centring is `loss`'s.
    package let ranking: TokenRankingLoss?

    package init(loss: BradleyTerryLoss, ranking: TokenRankingLoss? = nil) {
        (self.loss, self.ranking) = (loss, ranking)
    }

    package func weights(of example: TokenizedPair) -> [Int] { [1] }

    package func loss(
        _ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep
    ) -> LossTerm<BradleyTerryMetrics> {
        if let ranking { return tokenLoss(ranking, model, batch, of: step) }
        let pairs = batch.sequenceCount / 2
        let scores = model.scores(batch.rows, at: batch.scoredRows(padding: model.padTokenID)).reshaped([pairs, 2])
        return loss(
            chosen: scores.narrowed(1, 0..<1).reshaped([pairs]), rejected: scores.narrowed(1, 1..<2).reshaped([pairs]),
            globalPairs: step.weights[0])
    }

    // MARK: Demonstrations

    /// A demonstration before a sample is told from a pair that was compared by its negative index.
    package static func demonstration(_ index: Int) -> Int { -1 - index }

    private func tokenLoss(
        _ ranking: TokenRankingLoss, _ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep
    ) -> LossTerm<BradleyTerryMetrics> {
        let last = batch.scoredRows(padding: model.padTokenID)
        var spans: [TokenRankingLoss.Span] = []
        // Rows of the better and of the worse responses' tokens.
        var rows: [[Int32]] = [[], []]
        for (pair, index) in batch.indices.enumerated() {
            let sides = [2 * pair, 2 * pair + 1]
            let responses = sides.map { Array(batch.rows.tokens[batch.responseRows[$0]]) }
            let span = TokenRankingLoss.Span(
                chosen: responses[0], rejected: responses[1], kind: index < 0 ? .demonstration : .preference)
            spans.append(span)
            for (side, sequence) in sides.enumerated() {
                // There is no padding in packed rows: behind a response stands its score.
                rows[side] += (0..<span.length).map { place in
                    place < responses[side].count
                        ? Int32(batch.responseRows[sequence].lowerBound + place) : last[sequence]
                }
            }
        }
        let scores = model.scores(batch.rows, at: rows[0] + rows[1] + last)
        let (tokens, pairs) = (rows[0].count, spans.count)
        let responses = scores.narrowed(0, 2 * tokens..<2 * tokens + 2 * pairs).reshaped([pairs, 2])
        return ranking.term(
            TokenRankingLoss.Scores(
                chosenTokens: scores.narrowed(0, 0..<tokens), rejectedTokens: scores.narrowed(0, tokens..<2 * tokens),
                chosen: responses.narrowed(1, 0..<1).reshaped([pairs]),
                rejected: responses.narrowed(1, 1..<2).reshaped([pairs])),
            spans, centering: loss.centeringCoefficient, globalPairs: step.weights[0])
    }
}
