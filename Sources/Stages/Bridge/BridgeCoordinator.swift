import Foundation
import PreferenceData
import Runs
import Training

/// Gathers the program's answers and writes `pairs.jsonl`, in the order of the data, and `summary.json`.
package final class BridgeCoordinator: StageCoordinator {
    private let stage: PlannedStage
    private let options: BridgeOptions
    private let plan: RunPlan
    private let journal: ItemJournal<EditedAnswer>

    package init(_ stage: PlannedStage, _ options: BridgeOptions, _ plan: RunPlan) throws {
        (self.stage, self.options, self.plan) = (stage, options, plan)
        journal = try ItemJournal(stage.directory)
    }

    package var done: Set<ItemKey> { Set(journal.items.map { ItemKey(index: $0.index) }) }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        try journal.append([try message.demand(EditedAnswerMessage.self).answer])
        return []
    }

    package func finish() throws -> [String] {
        let records = try Dataset<PreferencePair>(
            reading: RunFiles(plan).data(options.pairs), onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns
        ).records
        let answers = try journal.checkedItems { answers in
            answers.map(\.index).sorted().elementsEqual(records.indices)
        }.sorted { $0.index < $1.index }
        var summary = BridgeSummary()
        var lengthChange = 0
        let writer = try JSONLWriter(stage.directory.appending(path: "pairs.jsonl"))
        for (pair, answer) in zip(records, answers) {
            summary.count += 1
            guard let edited = answer.completion.map(pair.response) else {
                summary.leftOut += 1
                continue
            }
            guard edited != pair.rejected else {
                summary.unchanged += 1
                continue
            }
            summary.pairs += 1
            lengthChange += edited.length - pair.rejected.length
            try writer.write(pair.fields(choosing: edited))
        }
        summary.average(lengthChange)
        guard summary.pairs > 0 else { throw nothingIsLeft(summary) }
        try writer.finish()
        try summary.write(to: stage.directory)
        try journal.remove()
        return [summary.line(stage.name)]
    }

    private func nothingIsLeft(_ summary: BridgeSummary) -> RunError {
        .other(
            "\(stage.name): no pair is left of \(summary.count): \(summary.left.joined(separator: ", ")); change the program of "
                + "\(stage.name).command, and delete \(stage.directory.relativePath) to have it asked anew")
    }
}

extension Content {
    /// Code points of all its texts.
    fileprivate var length: Int {
        switch self {
        case .text(let text): text.unicodeScalars.count
        case .messages(let messages): messages.reduce(0) { $0 + $1.content.unicodeScalars.count }
        }
    }
}
