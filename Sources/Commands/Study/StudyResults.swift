import Configuration
import Foundation
import Runs

/// How the arms of a study compare over seeds: what `study.json` holds.
///
/// It depends on the runs' numbers alone, not on clocks or places, so that a study that was killed and started again ends with
/// the same bytes. Seconds are kept apart, in `costs.json`.
package struct StudyResults: Sendable, Equatable, Codable {
    /// One arm.
    package struct Arm: Sendable, Equatable, Codable {
        package var name: String
        package var score: SeedSummary
        /// Of its scores to the baseline's; `nil` for the baseline.
        package var difference: SeedDifference?
        /// By policy, over the other arms and what else was evaluated.
        package var winRates: [String: SeedSummary]
        package var length: SeedSummary
        package var finished: SeedSummary
        package var steps: SeedSummary
        package var tokens: SeedSummary
        /// The last figures of its training, by name.
        package var metrics: [String: SeedSummary]

        private enum CodingKeys: String, CodingKey {
            case name, score, difference, length, finished, steps, tokens, metrics
            case winRates = "win_rates"
        }
    }

    package var seeds: [Int]
    /// The stage whose judge scored.
    package var evaluation: String
    package var baseline: String
    /// What stands beside the arms in the evaluation.
    package var others: [String]
    /// Of all intervals.
    package var confidence = TTest.confidence
    package var tuning: TuningReport?
    /// With the baseline first where it is none of them.
    package var arms: [Arm]
    /// What a clock said, which is no part of `study.json`.
    package var costs = StudyCosts(seeds: [], arms: [])

    private enum CodingKeys: String, CodingKey {
        case seeds, evaluation, baseline, others, confidence, tuning, arms
    }

    package init(_ outcomes: [SeedOutcome], _ comparison: StudyComparison, tuning: TuningReport? = nil) {
        seeds = outcomes.map(\.seed)
        (evaluation, baseline) = (comparison.evaluation, comparison.baseline)
        others = comparison.others
        self.tuning = tuning
        let seconds = comparison.rows.map { arm in
            StudyCosts.Arm(name: arm, seconds: SeedSummary(outcomes.map { $0.arms[arm]?.training.seconds }))
        }
        costs = StudyCosts(seeds: seeds, arms: seconds)
        let against = outcomes.compactMap { $0.arms[comparison.baseline]?.score }
        arms = comparison.rows.map { arm in
            Arm(
                arm, outcomes.compactMap { $0.arms[arm] },
                against: arm == comparison.baseline ? nil : against)
        }
        let compared = arms.indices.filter { arms[$0].difference != nil }
        let adjusted = HolmCorrection.adjusted(compared.compactMap { arms[$0].difference?.p })
        for (index, p) in zip(compared, adjusted) { arms[index].difference?.adjustedP = p }
    }

    /// Writes `study.json` and `costs.json`.
    package func write(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try DurableFiles.write(try encoder.encode(self), to: directory.appending(path: "study.json"))
        try DurableFiles.write(try encoder.encode(costs), to: directory.appending(path: "costs.json"))
    }

    /// Checks that some arm has each of these metrics.
    ///
    /// - Throws: ``StudyError``
    package func checkShown(_ metrics: [String]) throws {
        try Self.checkShown(metrics, among: arms.map(\.metrics.keys))
    }

    /// - Parameter found: What arms have.
    static func checkShown(_ metrics: [String], among found: some Sequence<some Sequence<String>>) throws {
        let all = Set(found.flatMap(\.self)).sorted()
        for metric in metrics where !all.contains(metric) {
            throw StudyError("--show", "no arm has '\(metric)'", StudyComparison.choices(metric, all, "metrics"))
        }
    }
}

/// What a study's arms cost by the clock: what `costs.json` holds.
package struct StudyCosts: Sendable, Equatable, Codable {
    package struct Arm: Sendable, Equatable, Codable {
        package var name: String
        /// Of the steps of its stage.
        package var seconds: SeedSummary
    }

    package var seeds: [Int]
    package var arms: [Arm]
}

extension StudyResults.Arm {
    /// - Parameters:
    ///   - outcomes: A seed's each, in order.
    ///   - baseline: The baseline's scores on the same seeds; `nil` for the baseline itself.
    fileprivate init(_ name: String, _ outcomes: [SeedOutcome.Arm], against baseline: [Double]?) {
        self.name = name
        let scores = outcomes.map(\.score)
        score = SeedSummary(scores)
        difference = baseline.map { SeedDifference(scores, to: $0) }
        let policies = Set(outcomes.flatMap(\.winRates.keys))
        winRates = Dictionary(
            uniqueKeysWithValues: policies.map { policy in
                (policy, SeedSummary(outcomes.map { $0.winRates[policy] }, within: 0...1))
            })
        length = SeedSummary(outcomes.map(\.length))
        finished = SeedSummary(outcomes.map(\.finished), within: 0...1)
        steps = SeedSummary(outcomes.map(\.training.steps))
        tokens = SeedSummary(outcomes.map(\.training.tokens))
        let names = Set(outcomes.flatMap(\.training.last.keys))
        metrics = Dictionary(
            uniqueKeysWithValues: names.map { name in
                (name, SeedSummary(outcomes.map { $0.training.last[name].flatMap(\.self) }))
            })
    }
}
