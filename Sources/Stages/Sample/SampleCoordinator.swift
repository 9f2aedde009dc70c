import Foundation
import JSON
import PreferenceData
import Runs
import Tokenizers
import Training

/// Writes what is kept of the responses, as ``SampleKeep`` has it: `pairs.jsonl`, or `completions.jsonl` with `summary.json`.
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
            reading: RunFiles(plan).data(options.prompts), onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns
        ).records
        let samples = try checkedSamples(prompts: records.count, each: options.nSamplesPerPrompt).sorted {
            ($0.index, $0.sample) < ($1.index, $1.sample)
        }
        let line =
            switch options.keep {
            case .pairs: try writePairs(samples, records, choosing: Self.bestAndWorst)
            case .clusters: try writePairs(samples, records, choosing: bestOfAgreeing)
            case .above, .all: try writeCompletions(samples, records)
            }
        try journal.remove()
        return ["  \(stage.name): \(line)"]
    }

    private var seed: UInt64 { UInt64(plan.configuration.seed) }
}

// MARK: Pairs

extension SampleCoordinator {
    /// Which two responses of a prompt make a pair; `nil` for none.
    private typealias Choice = ([SampledResponse]) -> (chosen: SampledResponse, rejected: SampledResponse)?

    private func writePairs(_ samples: [SampledResponse], _ records: [Prompt], choosing choice: Choice) throws -> String
    {
        let file = stage.directory.appending(path: "pairs.jsonl")
        let writer = try JSONLWriter(file)
        var count = 0
        let groups = Dictionary(grouping: samples, by: \.index).sorted { $0.key < $1.key }
        for (index, responses) in groups {
            guard let (chosen, rejected) = choice(responses) else { continue }
            let (prompt, columns) = (records[index].prompt, records[index].fields.promptColumns)
            var pair = PreferencePair(
                index: count, source: RecordSource(file: file.path, line: count + 1), prompt: prompt,
                chosen: prompt.answer(chosen.text), rejected: prompt.answer(rejected.text))
            pair.fields = pair.fields.extended(by: columns)
            try writer.write(
                pair.fields(
                    with: ScoredPair(index: index, chosenReward: chosen.score, rejectedReward: rejected.score)))
            count += 1
        }
        guard count > 0 else { throw noPair(of: groups.count) }
        try writer.finish()
        guard options.keep == .pairs else {
            return "\(HumanFormat.counted(count, "pair")) of \(groups.count) prompts' agreeing responses"
        }
        let equal = groups.count - count
        return HumanFormat.counted(count, "pair")
            + (equal == 0
                ? "" : "; the responses to \(HumanFormat.counted(equal, "prompt")) have equal scores and make none")
    }

    private static func bestAndWorst(_ responses: [SampledResponse]) -> (SampledResponse, SampledResponse)? {
        // Equal scores go by the order of the samples, so that the file does not depend on who reported first.
        let ranked = responses.sorted { ($1.score, $0.sample) < ($0.score, $1.sample) }
        guard let best = ranked.first, let worst = ranked.last, best.score > worst.score else { return nil }
        return (best, worst)
    }

    /// Why no pair is kept, and what would make some.
    private func noPair(of prompts: Int) -> RunError {
        .other(
            options.keep == .pairs
                ? "\(stage.name): the responses to each of \(HumanFormat.counted(prompts, "prompt")) have equal scores by "
                    + "\(options.reward), which make no pair; raise n_samples_per_prompt or temperature, or choose another reward"
                : "\(stage.name): of none of \(prompts) prompts do a share of \(options.threshold) of the responses agree "
                    + "while others differ; lower \(stage.name).keep_threshold, raise n_samples_per_prompt, or take a reward "
                    + "whose rule says what the answer is")
    }

    private func bestOfAgreeing(_ responses: [SampledResponse]) -> (SampledResponse, SampledResponse)? {
        let answer = ResponseAnswer(to: options.reward)
        // No sample of the prompt has this stream.
        var random = SplitMix64(
            StreamKey(seed: seed, step: stage.index, prompt: responses[0].index, sample: .max).value)
        let pair = AgreeingSamples(responses.map { answer($0.text) }).pair(
            scores: responses.map(\.score), threshold: options.threshold, uniform: random.nextUniform()
        )
        return pair.map { (responses[$0.chosen], responses[$0.rejected]) }
    }
}

// MARK: Completions

extension SampleCoordinator {
    private func writeCompletions(_ samples: [SampledResponse], _ records: [Prompt]) throws -> String {
        var numbers: [[UInt8]: Int] = [:]
        let prompts = records.map { record in
            let key = record.promptKey
            numbers[key] = numbers[key] ?? numbers.count
            return numbers[key] ?? 0
        }
        let correct = CorrectSamples(
            samples.map { ScoredSample(prompt: prompts[$0.index], text: $0.text, score: $0.score) },
            threshold: options.threshold)
        let summary = SampleSummary(samples, correct, options)
        guard summary.kept > 0 else { throw nothing(of: samples) }
        let writer = try JSONLWriter(stage.directory.appending(path: "completions.jsonl"))
        for index in options.keep == .all ? Array(samples.indices) : correct.kept {
            let sample = samples[index]
            let (prompt, columns) = (records[sample.index].prompt, records[sample.index].fields.promptColumns)
            let token = options.returnTokens[sample.score >= options.threshold ? 0 : 1]
            let given = options.keep == .all ? prompt.prefixed(by: token) : prompt
            let row = JSONObject(uniqueKeysWithValues: [
                ("prompt", given.json), ("completion", prompt.answer(sample.text).json),
                ("score", JSON(sample.score) ?? .null),
            ])
            try writer.write(row.extended(by: columns))
        }
        try writer.finish()
        try summary.write(to: stage.directory)
        return summary.text(keepsAll: options.keep == .all)
    }

    /// Why nothing is kept, and what would keep something.
    private func nothing(of samples: [SampledResponse]) -> RunError {
        let scores = samples.map(\.score)
        let (least, most) = (HumanFormat.metric(scores.min() ?? 0), HumanFormat.metric(scores.max() ?? 0))
        return .other(
            "\(stage.name): none of \(samples.count) responses is kept: scores by \(options.reward) lie between \(least) and "
                + "\(most), and keep_threshold is \(options.threshold); lower \(stage.name).keep_threshold, raise "
                + "n_samples_per_prompt, or begin with a policy that gets some right")
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
