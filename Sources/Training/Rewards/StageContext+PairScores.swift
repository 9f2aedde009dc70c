import PreferenceData
import Runs

extension StageContext {
    /// What scores both responses of pairs.
    package typealias PairScoring = (_ pairs: [TokenizedPair], _ records: [PreferencePair]) throws -> [ScoredPair]

    /// Scores pairs by a reward, a column among them.
    ///
    /// - Parameters:
    ///   - isLeft: Whether a program that is waited for is left when the run is to stop.
    package func pairScoring(_ reference: ArtifactReference, maxTokens: Int, isLeft: Bool) throws -> PairScoring {
        if case .column(let name) = reference {
            let column = ColumnReward(name)
            return { pairs, records in
                try pairs.map { pair in
                    let scores = try column.scores(of: records[pair.index])
                    return ScoredPair(index: pair.index, chosenReward: scores.chosen, rejectedReward: scores.rejected)
                }
            }
        }
        let scorer = try scorer(reference, maxTokens: maxTokens, isLeft: isLeft)
        if let model = scorer as? ModelScorer { return { pairs, _ in try model.pairScores(pairs) } }
        return { pairs, records in
            let items = pairs.flatMap { pair in
                pair.responses.map { response in
                    ScoredItem(
                        prompt: pair.prompt, response: response,
                        row: records.isEmpty ? nil : records[pair.index],
                        completion: text.text(of: response))
                }
            }
            let scores = try scorer.scores(items)
            return pairs.enumerated().map { number, pair in
                ScoredPair(index: pair.index, chosenReward: scores[2 * number], rejectedReward: scores[2 * number + 1])
            }
        }
    }
}
