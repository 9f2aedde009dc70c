import PreferenceData
import Runs

/// The scores of one item, by its index in the stage's data.
package struct ItemScores: Sendable, Codable, Equatable {
    package var index: Int
    package var scores: [Double]

    package init(index: Int, scores: [Double]) { (self.index, self.scores) = (index, scores) }
}

/// Scores of some items of a stage's data.
package struct ItemScoresMessage: StageMessage {
    package static let kind = "scores"
    package let scores: [ItemScores]

    /// The scores of both responses of pairs.
    package init(_ pairs: [ScoredPair]) {
        scores = pairs.map { ItemScores(index: $0.index, scores: [$0.chosenReward, $0.rejectedReward]) }
    }
}
