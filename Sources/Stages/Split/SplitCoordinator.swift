import Foundation
import PreferenceData
import Runs
import Training

/// Gathers the scores of all pairs and writes `easy.jsonl`, `difficult.jsonl` and `summary.json`.
package final class SplitCoordinator: StageCoordinator {
    private let stage: PlannedStage
    private let options: SplitOptions
    private let plan: RunPlan
    private let journal: ItemJournal<ItemScores>

    package init(_ stage: PlannedStage, _ options: SplitOptions, _ plan: RunPlan) throws {
        self.stage = stage
        self.options = options
        self.plan = plan
        journal = try ItemJournal(stage.directory)
    }

    package var done: Set<ItemKey> { Set(journal.items.map { ItemKey(index: $0.index) }) }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        try journal.append(try message.demand(ItemScoresMessage.self).scores)
        return []
    }

    package func finish() throws -> [String] {
        let records = try Dataset<PreferencePair>(
            reading: RunFiles(plan).data(options.pairs), onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns
        ).records
        let scores = try journal.checkedItems { items in
            items.allSatisfy { records.indices.contains($0.index) && $0.scores.count == 2 }
                && Set(items.map(\.index)).count == items.count
        }
        let pairs = scores.sorted { $0.index < $1.index }.map {
            ScoredPair(index: $0.index, chosenReward: $0.scores[0], rejectedReward: $0.scores[1])
        }
        let rule: GapSplit.Rule = options.quantile.map { .quantile($0) } ?? .threshold(options.gamma ?? 1)
        let parts = try GapSplit(
            rule, assignment: options.assignment == .gap ? .gap : .random(seed: plan.seed(of: stage)),
            order: options.order == .easyToHard ? .easyToHard : .source
        ).split(pairs)
        let summary = try parts.write(records, to: stage.directory)
        for (part, pairs) in [("easy", parts.easy), ("difficult", parts.difficult)] where pairs.isEmpty {
            if let reader = plan.configuration.reader(ofPart: part, of: stage.name) {
                throw RunError.other(nothing(in: part, for: reader, of: scores))
            }
        }
        try journal.remove()
        return [describe(summary)]
    }

    /// Says why a part is empty that a later stage reads, and what would put pairs into it.
    private func nothing(in part: String, for reader: String, of scores: [ItemScores]) -> String {
        let gaps = scores.map { abs($0.scores[0] - $0.scores[1]) }
        let (least, most) = (HumanFormat.metric(gaps.min() ?? 0), HumanFormat.metric(gaps.max() ?? 0))
        let why = "\(stage.name): no pair is \(part), but \(reader) reads \(stage.name).\(part): "
        if gaps.min() == gaps.max() {
            return why + "all \(gaps.count) gaps are \(least), which no threshold divides; use a reward that tells "
                + "responses apart, or let \(reader) read something else"
        }
        guard let gamma = options.gamma else {
            return why
                + "quantile \(options.quantile ?? 0) leaves it none of \(gaps.count) pairs, whose gaps lie between "
                + "\(least) and \(most); set \(stage.name).quantile between 0 and 1, such as 0.5"
        }
        return why
            + "gaps lie between \(least) and \(most), and gamma is \(gamma); set another \(stage.name).gamma, or "
            + "null and \(stage.name).quantile, such as 0.5"
    }

    private func describe(_ summary: SplitSummary) -> String {
        let accuracies = summary.quantiles.map { $0.accuracy.map { HumanFormat.metric($0) } ?? "-" }
        let place =
            options.assignment == .gap
            ? "at gap \(HumanFormat.metric(summary.threshold))"
            : "at random, as many as gap \(HumanFormat.metric(summary.threshold)) makes"
        return
            "  \(stage.name): \(summary.easy) easy, \(summary.difficult) difficult pairs \(place); reward accuracy by gap quantile: "
            + accuracies.joined(separator: " ")
    }
}
