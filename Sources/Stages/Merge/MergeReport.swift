import Foundation
import Runs
import Training

/// What a merge was made of, and how its candidates scored: `merge.json`.
package struct MergeReport: Encodable {
    /// An `alpha` that was tried.
    package struct Candidate: Encodable {
        package var alpha: Double
        package var prompts: Int
        package var meanScore: Double
        /// Of the mean score; `nil` of a single prompt, which does not tell.
        package var standardError: Double?
        package var meanLength: Double
        /// The share of responses that ended by themselves.
        package var finished: Double

        private enum CodingKeys: String, CodingKey {
            case alpha, prompts, finished
            case meanScore = "mean_score"
            case standardError = "standard_error"
            case meanLength = "mean_length"
        }
    }

    package var method: String
    package var policy: String
    package var from: String
    /// The one that was taken.
    package var alpha: Double
    package var reward: String?
    /// In the order in which they were given; none where none was scored.
    package var candidates: [Candidate]
    /// The index of the one that was taken: of the highest mean score, the first of equals.
    package var chosen: Int

    private enum CodingKeys: String, CodingKey { case method, policy, from, alpha, reward, candidates }

    /// - Parameter samples: Responses of every candidate to the same prompts, sorted by candidate, prompt and sample.
    package init(_ options: MergeOptions, _ samples: [SampledResponse]) {
        let scores = Evaluation(samples, policies: options.alpha.map { "\($0)" }).policies
        let tried = zip(options.alpha, scores).map { alpha, score in
            Candidate(
                alpha: alpha, prompts: score.prompts, meanScore: score.meanScore, standardError: score.standardError,
                meanLength: score.meanLength, finished: score.finished)
        }
        candidates = samples.isEmpty ? [] : tried
        let best = candidates.map(\.meanScore).max()
        chosen = candidates.firstIndex { $0.meanScore == best } ?? 0
        (method, policy, from) = (options.method.rawValue, "\(options.policy)", "\(options.from)")
        (alpha, reward) = (options.alpha[chosen], options.reward?.description)
    }

    /// For the person who watches.
    package func lines(_ stage: String) -> [String] {
        let made =
            method == MergeMethod.adapters.rawValue
            ? "  \(stage): \(policy) merged into its base"
            : "  \(stage): \(method) of \(policy) from \(from) with alpha \(alpha)"
        guard let reward else { return [made] }
        var table = TextTable(["alpha", "score", "± 95 %", "length"])
        for candidate in candidates {
            table.add([
                "\(candidate.alpha)", Self.number(candidate.meanScore, 3),
                candidate.standardError.map { Self.number(1.96 * $0, 3) } ?? "-", Self.number(candidate.meanLength, 1),
            ])
        }
        let why = candidates.count > 1 ? ", the best of \(candidates.count) by \(reward)" : ""
        return ["", table.render(), made + why]
    }

    private static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}
