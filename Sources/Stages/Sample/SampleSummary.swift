import Foundation
import PreferenceData
import Runs
import Training

/// What `sample` kept of responses, and of how many prompts: `summary.json`.
struct SampleSummary: Codable, Equatable {
    /// How many responses were drawn.
    let samples: Int
    /// How many of them became rows.
    let kept: Int
    /// How many reach the threshold.
    let good: Int
    /// Those of the good ones that are not kept, for an equal one was.
    let duplicates: Int
    /// How many prompts were answered.
    let prompts: Int
    /// Those of them that no response got right.
    let promptsWithoutGood: Int
    /// The score from which a response is good.
    let threshold: Double

    private enum CodingKeys: String, CodingKey {
        case samples, kept, good, duplicates, prompts, threshold
        case promptsWithoutGood = "prompts_without_good"
    }

    init(_ samples: [SampledResponse], _ correct: CorrectSamples, _ options: SampleOptions) {
        let good = samples.filter { $0.score >= options.threshold }
        let answered = Set(samples.map(\.index))
        self.samples = samples.count
        self.good = good.count
        kept = options.keep == .all ? samples.count : correct.kept.count
        duplicates = options.keep == .all ? 0 : correct.duplicates
        self.prompts = answered.count
        promptsWithoutGood = answered.count - Set(good.map(\.index)).count
        threshold = options.threshold
    }

    /// One line for the person who watches.
    func text(keepsAll: Bool) -> String {
        let without = "\(promptsWithoutGood) of \(prompts) prompts have no good one"
        guard !keepsAll else { return "\(kept) samples, \(good) of them good; \(without)" }
        return "\(kept) of \(samples) samples kept; \(without), \(duplicates) duplicates left out"
    }

    func write(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try OutputFile.write(try encoder.encode(self), to: directory.appending(path: "summary.json"))
    }
}
