import Foundation
import PreferenceData
import Runs
import Tokenizers
import Training

/// Writes `pairs.jsonl`: for each prompt the response of the highest and that of the lowest reward.
package final class SampleCoordinator: ResponseCoordinator {
    private let stage: PlannedStage
    private let options: SampleOptions
    private let plan: RunPlan
    package let journal: ItemJournal<SampledResponse>

    package init(_ stage: PlannedStage, _ options: SampleOptions, _ plan: RunPlan) throws {
        self.stage = stage
        self.options = options
        self.plan = plan
        journal = try ItemJournal(stage.directory)
    }

    package func finish() throws -> [String] {
        let records = try Dataset<Prompt>(
            reading: RunFiles(plan).data(options.prompts), onBadRecord: plan.configuration.dataset.onBadRecord
        ).records
        let file = stage.directory.appending(path: "pairs.jsonl")
        let writer = try JSONLWriter(file)
        var count = 0
        let samples = try checkedSamples(prompts: records.count, each: options.nSamplesPerPrompt)
        for (index, responses) in Dictionary(grouping: samples, by: \.index).sorted(by: { $0.key < $1.key }) {
            // Equal scores go by the order of the samples, so that the file does not depend on who reported first.
            let ranked = responses.sorted { ($1.score, $0.sample) < ($0.score, $1.sample) }
            guard let best = ranked.first, let worst = ranked.last, best.sample != worst.sample else { continue }
            let prompt = records[index].prompt
            let pair = PreferencePair(
                index: count, source: RecordSource(file: file.path, line: count + 1), prompt: prompt,
                chosen: prompt.answer(best.text), rejected: prompt.answer(worst.text))
            try writer.write(
                pair.fields(
                    with: ScoredPair(index: index, chosenReward: best.score, rejectedReward: worst.score)))
            count += 1
        }
        try writer.finish()
        try journal.remove()
        return ["  \(stage.name): \(HumanFormat.counted(count, "pair"))"]
    }
}

extension Content {
    /// A response in the form that goes with a prompt of this form.
    fileprivate func answer(_ text: String) -> Content {
        switch self {
        case .text: .text(text)
        case .messages: .messages([ChatMessage(role: "assistant", content: text)])
        }
    }
}
