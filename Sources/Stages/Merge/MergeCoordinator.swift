import Foundation
import JSON
import PreferenceData
import Runs
import Training

/// Chooses between candidates once all are scored, and writes `merge.json`, and `samples.jsonl` where responses were drawn.
package final class MergeCoordinator: ResponseCoordinator {
    private let stage: PlannedStage
    private let options: MergeOptions
    private let plan: RunPlan
    private let workerCount: Int
    package let journal: ItemJournal<SampledResponse>
    private var finishedWorkers = 0

    package init(_ stage: PlannedStage, _ options: MergeOptions, _ plan: RunPlan, workers: Int) throws {
        self.stage = stage
        self.options = options
        self.plan = plan
        workerCount = workers
        journal = try ItemJournal(stage.directory)
    }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        if let samples = try message.read(SampledResponsesMessage.self) {
            try journal.append(samples.responses)
            return []
        }
        _ = try message.demand(CandidatesScored.self)
        finishedWorkers += 1
        guard finishedWorkers == workerCount else { return [] }
        let index = try MergeReport(options, samples(of: prompts())).chosen
        return [try Delivery(worker: 0, ChosenCandidate(index: index))]
    }

    package func finish() throws -> [String] {
        let prompts = options.reward == nil ? [] : try prompts()
        let samples = options.reward == nil ? [] : try samples(of: prompts)
        let report = MergeReport(options, samples)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.write(try encoder.encode(report), to: stage.directory.appending(path: "merge.json"))
        if options.reward != nil {
            let alphas = options.alpha.map { JSON($0) }
            try samples.write(to: stage.directory, naming: ("alpha", alphas), prompts)
        }
        try journal.remove()
        return report.lines(stage.name)
    }

    private func prompts() throws -> [Prompt] {
        try Dataset<Prompt>(
            reading: RunFiles(plan).data(options.prompts), onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns,
            limit: options.numPrompts
        ).records
    }

    private func samples(of prompts: [Prompt]) throws -> [SampledResponse] {
        try checkedSamples(prompts: prompts.count, policies: options.alpha.count, each: options.nSamplesPerPrompt)
            .sorted { ($0.policy, $0.index, $0.sample) < ($1.policy, $1.index, $1.sample) }
    }
}
