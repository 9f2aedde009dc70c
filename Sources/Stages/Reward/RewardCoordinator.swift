import Foundation
import PreferenceData
import Runs
import Training

/// Writes how often a new reward model is right on held-out pairs, by the gap of their scores.
package final class RewardCoordinator: StageCoordinator {
    private let stage: PlannedStage
    private var scores: [ItemScores] = []

    package init(_ stage: PlannedStage) {
        self.stage = stage
    }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        scores += try message.demand(ItemScoresMessage.self).scores
        return []
    }

    package func finish() throws -> [String] {
        guard !scores.isEmpty else { return [] }
        let pairs = scores.sorted { $0.index < $1.index }.map {
            ScoredPair(index: $0.index, chosenReward: $0.scores[0], rejectedReward: $0.scores[1])
        }
        let summary = SplitSummary(try GapSplit(.quantile(0.5)).split(pairs))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try OutputFile.write(try encoder.encode(summary), to: stage.directory.appending(path: "evaluation.json"))
        let accuracies = summary.quantiles.map { $0.accuracy.map { HumanFormat.metric($0) } ?? "-" }
        let overall = summary.accuracy.map { HumanFormat.metric($0) } ?? "-"
        return [
            "  \(stage.name): accuracy \(overall) on \(pairs.count) held-out pairs; by gap quantile: "
                + accuracies.joined(separator: " ")
        ]
    }
}
