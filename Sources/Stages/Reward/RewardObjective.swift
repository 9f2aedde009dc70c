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

    private let views: MultiViewHead?

    /// - Parameter views: What adds the multi-view term.
    package init(loss: BradleyTerryLoss, ranking: TokenRankingLoss? = nil, views: MultiViewHead? = nil) {
        (self.loss, self.ranking, self.views) = (loss, ranking, views)
    }

    package func weights(of example: TokenizedPair) -> [Int] { [1] }

    package func loss(
        _ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep
    ) -> LossTerm<BradleyTerryMetrics> {
        if let ranking { return tokenLoss(ranking, model, batch, of: step) }
        let pairs = batch.sequenceCount / 2
        let (all, states) = scores(model, batch, at: batch.scoredRows(padding: model.padTokenID))
        let scores = all.reshaped([pairs, 2])
        let term = loss(
            chosen: scores.narrowed(1, 0..<1).reshaped([pairs]), rejected: scores.narrowed(1, 1..<2).reshaped([pairs]),
            globalPairs: step.weights[0])
        return adding(views, to: term, states, model, batch, of: step)
    }

    /// Scores at rows, and hidden states where they are asked for.
    private func scores(
        _ model: DecoderModel, _ batch: ResponseBatch, at rows: [Int32]
    ) -> (scores: Tensor, states: Tensor?) {
        guard views != nil else { return (model.scores(batch.rows, at: rows), nil) }
        let found = model.scoresAndStates(batch.rows, at: rows)
        return (found.scores, found.states)
    }

    // MARK: Demonstrations

    /// A demonstration before a sample is told from a pair that was compared by its negative index.
    package static func demonstration(_ index: Int) -> Int { -1 - index }

    package func name(ofExample index: Int) -> String {
        index < 0 ? "\(Self.demonstration(index)) of demonstrations before samples" : String(index)
    }

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
        let (scores, states) = scores(model, batch, at: rows[0] + rows[1] + last)
        let (tokens, pairs) = (rows[0].count, spans.count)
        let responses = scores.narrowed(0, 2 * tokens..<2 * tokens + 2 * pairs).reshaped([pairs, 2])
        let term = ranking.term(
            TokenRankingLoss.Scores(
                chosenTokens: scores.narrowed(0, 0..<tokens), rejectedTokens: scores.narrowed(0, tokens..<2 * tokens),
                chosen: responses.narrowed(1, 0..<1).reshaped([pairs]),
                rejected: responses.narrowed(1, 1..<2).reshaped([pairs])),
            spans, centering: loss.centeringCoefficient, globalPairs: step.weights[0])
        return adding(
            views, to: term, states.map { $0.narrowed(0, 2 * tokens..<2 * tokens + 2 * pairs) }, model, batch, of: step)
    }
}

// MARK: The multi-view term

extension RewardObjective {
    package var wholeStepTerms: Int { views?.dimension ?? 0 }

    /// The encodings of both responses, a number of them a term.
    package func scores(_ model: DecoderModel, _ batch: ResponseBatch, of step: OfflineStep) -> [[StepPairs.Scores]] {
        guard let views, let weight = model.auxiliaryWeight else { return [] }
        let states = model.scoresAndStates(batch.rows, at: batch.scoredRows(padding: model.padTokenID)).states
        let drawn = views.encodings(states, by: weight, of: batch.indices, epoch: step.epoch).drawn.map { $0.doubles() }
        return (0..<views.dimension).map { number in
            batch.indices.indices.map { pair in
                let place = pair * views.dimension + number
                return StepPairs.Scores(chosen: drawn[0][place], rejected: drawn[1][place], margin: 0)
            }
        }
    }

    private func adding(
        _ views: MultiViewHead?, to term: LossTerm<BradleyTerryMetrics>, _ states: Tensor?, _ model: DecoderModel,
        _ batch: ResponseBatch, of step: OfflineStep
    ) -> LossTerm<BradleyTerryMetrics> {
        guard let views, let states, let weight = model.auxiliaryWeight, let pairs = step.pairs else { return term }
        let own = views.encodings(states, by: weight, of: batch.indices, epoch: step.epoch)
        guard let (value, sum) = views.term(own, of: batch.indices, in: pairs, by: weight) else { return term }
        let (lambda, count) = (views.weight, Double(batch.indices.count))
        return term.adding(value, figure: sum) { metrics, sum in
            metrics.loss += lambda * sum
            metrics.views += count
            metrics.viewLoss += sum
        }
    }
}
