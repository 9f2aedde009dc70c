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
    /// Those of this start: a judge's journal gives them again.
    private var verdicts: [MatchVerdict] = []

    package init(_ stage: PlannedStage, _ options: EvaluateOptions, _ plan: RunPlan) throws {
        self.stage = stage
        self.options = options
        self.plan = plan
        journal = try ItemJournal(stage.directory)
    }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        if let found = try message.read(MatchVerdictsMessage.self) {
            verdicts += found.verdicts
        } else {
            try journal.append(try message.demand(SampledResponsesMessage.self).responses)
        }
        return []
    }

    package func finish() throws -> [String] {
        let records = try Dataset<Prompt>(
            reading: RunFiles(plan).data(options.prompts), onBadRecord: plan.configuration.dataset.onBadRecord,
            columns: plan.configuration.dataset.columns,
            limit: options.numPrompts
        ).records
        let names = options.policies.map(\.description)
        var samples = try checkedSamples(
            prompts: records.count, policies: names.count, each: options.nSamplesPerPrompt
        ).sorted { ($0.policy, $0.index, $0.sample) < ($1.policy, $1.index, $1.sample) }
        let groups = names.indices.map { policy in samples.filter { $0.policy == policy } }
        let outcomes = try outcomes(of: groups)
        if options.isComparing(options.judge) {
            let shares = outcomes.shares(of: groups).flatMap(\.self)
            for index in samples.indices { samples[index].score = shares[index] }
        }
        let answer = ResponseAnswer(to: options.judge)
        var evaluation = Evaluation(samples, policies: names, outcomes: outcomes) { samples in
            options.passThreshold.map { Accuracy(samples, threshold: $0, answer: answer) }
        }
        evaluation.agreement = try agreement(with: outcomes, of: groups)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try OutputFile.write(try encoder.encode(evaluation), to: stage.directory.appending(path: "evaluation.json"))
        try samples.write(to: stage.directory, naming: ("policy", names.map { .string($0) }), records)
        try journal.remove()
        return ["", evaluation.table] + note
    }

    private func outcomes(of groups: [[SampledResponse]]) throws -> MatchOutcomes {
        guard options.isComparing(options.judge) else { return MatchOutcomes(scoresOf: groups) }
        return try MatchOutcomes(verdicts: verdicts.filter { $0.judge == 0 }, on: groups)
    }

    /// How far the other judge agrees, on comparisons that both were asked for.
    private func agreement(with outcomes: MatchOutcomes, of groups: [[SampledResponse]]) throws -> JudgeAgreement? {
        guard let judge = options.otherJudge else { return nil }
        let isAsked = options.judges.contains(where: options.isComparing)
        let matches = isAsked ? PolicyMatches(asked: groups.count) : PolicyMatches(policies: groups.count)
        let own = options.isComparing(options.judge) ? outcomes : MatchOutcomes(scoresOf: groups, in: matches)
        let others =
            options.isComparing(judge)
            ? try MatchOutcomes(verdicts: verdicts.filter { $0.judge == 1 }, on: groups)
            : MatchOutcomes(scoresOf: groups, { $0.otherScore ?? 0 }, in: matches)
        return own.values.isEmpty ? nil : JudgeAgreement(judge.description, own.values, others.values)
    }

    /// What the table does not say.
    private var note: [String] {
        guard options.judges.contains(where: options.isComparing), options.policies.count > PolicyMatches.mostOfAll
        else { return [] }
        return [
            "of more than \(PolicyMatches.mostOfAll) policies a judge that compares is asked about each and the first alone"
        ]
    }
}
