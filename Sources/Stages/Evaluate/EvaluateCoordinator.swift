import Foundation
import JSON
import PreferenceData
import Runs
import Training

/// Compares the policies and writes `evaluation.json` and `samples.jsonl`.
package final class EvaluateCoordinator: ResponseCoordinator {
    private let stage: PlannedStage
    private let options: EvaluateOptions
    private let plan: RunPlan
    package let journal: ItemJournal<SampledResponse>

    package init(_ stage: PlannedStage, _ options: EvaluateOptions, _ plan: RunPlan) throws {
        self.stage = stage
        self.options = options
        self.plan = plan
        journal = try ItemJournal(stage.directory)
    }

    package func finish() throws -> [String] {
        let records = try Dataset<Prompt>(
            reading: RunFiles(plan).data(options.prompts), onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns,
            limit: options.numPrompts
        ).records
        let names = options.policies.map(\.description)
        let samples = try checkedSamples(
            prompts: records.count, policies: names.count, each: options.nSamplesPerPrompt
        ).sorted { ($0.policy, $0.index, $0.sample) < ($1.policy, $1.index, $1.sample) }
        let answer = ResponseAnswer(to: options.judge)
        let evaluation = Evaluation(samples, policies: names) { samples in
            options.passThreshold.map { Accuracy(samples, threshold: $0, answer: answer) }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try OutputFile.write(try encoder.encode(evaluation), to: stage.directory.appending(path: "evaluation.json"))
        try samples.write(to: stage.directory, naming: ("policy", names.map { .string($0) }), records)
        try journal.remove()
        return ["", evaluation.table]
    }
}
