import Foundation
import Objectives
import PreferenceData
import Runs
import Training

/// The preference pairs of a step of an online stage: drawn ones by rule, and the data's own for the other prompts.
///
/// Every learner makes the same of the same responses.
package struct SampledPairs {
    /// The pairs, numbered from 0; those whose label the policy draws are not labelled yet.
    package private(set) var pairs: [TokenizedPair] = []
    /// Where each comes from.
    package private(set) var origins: [PairOrigin] = []
    /// How far apart the scores of each drawn pair are, where a reward labels.
    package private(set) var gaps: [Double] = []
    /// The drawn pairs as they were drawn, where a reward labels.
    package private(set) var rollouts: [(chosen: Rollout, rejected: Rollout)] = []

    /// - Parameters:
    ///   - groups: The responses to each drawn prompt.
    ///   - given: The data's pairs for the prompts that are not drawn.
    ///   - demonstrations: The data's answers to prompts that are, by the prompt's index, where those label.
    package init(
        _ groups: [[Rollout]], given: [TokenizedPair], demonstrations: [Int: [Int32]] = [:], _ options: OnlineDPOOptions
    ) {
        let shaping = options.scoreShaping
        for group in groups {
            guard options.labels != .demonstrations else {
                add(group, behind: demonstrations)
                continue
            }
            let scores = group.map { shaping.final($0.score, endsWithEOS: $0.isFinished) }
            let found =
                options.labels == .policy
                ? Self.neighbours(group.count)
                : options.pairRule.pairs(ofScores: scores, confidence: options.confidence)
            for (chosen, rejected) in found {
                // A pair of the same response teaches nothing.
                guard group[chosen].response != group[rejected].response else { continue }
                add(
                    group[chosen].prompt, group[chosen].response, group[rejected].response,
                    PairOrigin(drawsResponses: true, drawsLabel: options.labels == .policy))
                guard options.labels == .reward else { continue }
                gaps.append(scores[chosen] - scores[rejected])
                rollouts.append((group[chosen], group[rejected]))
            }
        }
        for pair in given {
            add(
                pair.prompt, pair.chosen, pair.rejected,
                PairOrigin(drawsResponses: false, drawsLabel: options.dataLabels == .policy))
        }
    }

    /// Two by two, so that each response is in one pair.
    private static func neighbours(_ count: Int) -> [(chosen: Int, rejected: Int)] {
        stride(from: 0, to: count - 1, by: 2).map { ($0, $0 + 1) }
    }

    /// Each response behind the demonstration of its prompt; one that says the same teaches nothing.
    private mutating func add(_ group: [Rollout], behind demonstrations: [Int: [Int32]]) {
        for rollout in group {
            guard let answer = demonstrations[rollout.promptIndex], answer != rollout.response else { continue }
            add(rollout.prompt, answer, rollout.response, PairOrigin(kind: .demonstration))
        }
    }

    private mutating func add(_ prompt: [Int32], _ chosen: [Int32], _ rejected: [Int32], _ origin: PairOrigin) {
        pairs.append(TokenizedPair(index: pairs.count, prompt: prompt, chosen: chosen, rejected: rejected))
        origins.append(origin)
    }

    /// Whether the policy has to be asked for labels.
    package var asksPolicy: Bool { origins.contains(where: \.drawsLabel) }

    /// Labels pairs as the policy draws them: the first response wins with probability `σ(margin)`.
    ///
    /// - Parameters:
    ///   - margins: How much higher the implicit reward of each pair's first response is.
    ///   - streams: What the draws are named by: each pair's is its own.
    package mutating func drawLabels(margins: [Double], seed: UInt64, step: Int) {
        for row in pairs.indices where origins[row].drawsLabel {
            var random = SplitMix64(seed, UInt64(step), UInt64(row), Self.labelStream)
            guard random.nextUniform() >= 1 / (1 + exp(-margins[row])) else { continue }
            let pair = pairs[row]
            (pairs[row].chosen, pairs[row].rejected) = (pair.rejected, pair.chosen)
        }
    }

    /// Tells these draws from others of the same seed.
    private static let labelStream: UInt64 = 0x1ABE1
}
