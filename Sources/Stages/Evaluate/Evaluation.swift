import Foundation
import Runs
import Training

/// How policies compare under a judge, prompt by prompt.
package struct Evaluation: Codable, Equatable {
    /// One policy's responses.
    package struct Policy: Codable, Equatable {
        package var name: String
        package var prompts: Int
        package var meanScore: Double
        /// Of the mean score; `nil` of a single prompt, which does not tell.
        package var standardError: Double?
        package var meanLength: Double
        /// The share of responses that ended by themselves.
        package var finished: Double
        /// How often it is right; `nil` where no score says so.
        package var accuracy: Accuracy?

        private enum CodingKeys: String, CodingKey {
            case name, prompts, finished, accuracy
            case meanScore = "mean_score"
            case standardError = "standard_error"
            case meanLength = "mean_length"
        }
    }

    /// One policy against an earlier one of the list.
    package struct Match: Codable, Equatable {
        package var policy: String
        package var against: String
        package var wins: Int
        package var ties: Int
        package var losses: Int
        /// Wins and half of the ties, over all.
        package var winRate: Double
        /// Its ``WilsonInterval``.
        package var low: Double
        package var high: Double
        /// Its ``LengthControlledRate``; `nil` under a judge that scores, as the next.
        package var lengthControlledWinRate: Double?
        /// The share of comparisons in which the judge said the same in both orders; `nil` where it was asked of none.
        package var positionConsistency: Double?

        private enum CodingKeys: String, CodingKey {
            case policy, against, wins, ties, losses, low, high
            case winRate = "win_rate"
            case lengthControlledWinRate = "length_controlled_win_rate"
            case positionConsistency = "position_consistency"
        }
    }

    package var policies: [Policy]
    package var matches: [Match]
    /// How far another judge agrees; `nil` where there is none.
    package var agreement: JudgeAgreement?

    private enum CodingKeys: String, CodingKey {
        case policies, matches
        case agreement = "judge_agreement"
    }

    /// - Parameters:
    ///   - samples: Responses of every policy to the same prompts, sorted by policy, prompt and sample.
    ///   - outcomes: What comes of comparing them, of which every match has one a response; `nil` where their scores tell.
    ///   - accuracy: How often the responses of one are right, where that is asked.
    package init(
        _ samples: [SampledResponse], policies names: [String], outcomes: MatchOutcomes? = nil,
        accuracy: ([SampledResponse]) -> Accuracy? = { _ in nil }
    ) {
        let groups = names.indices.map { policy in samples.filter { $0.policy == policy } }
        policies = zip(names, groups).map { Policy(name: $0, $1, accuracy($1)) }
        matches = (outcomes ?? MatchOutcomes(scoresOf: groups)).matches(named: names)
    }

    /// A table for the person who watches.
    package var table: String {
        var table = TextTable(
            ["policy", "score", "± 95 %", "length"] + policies.dropLast().map { "win rate over \($0.name)" })
        for policy in policies {
            let cells = policies.dropLast().map { other in
                matches.first { $0.policy == policy.name && $0.against == other.name }.map(\.text) ?? ""
            }
            table.add(
                [
                    policy.name, Self.number(policy.meanScore, 3),
                    policy.standardError.map { Self.number(1.96 * $0, 3) } ?? "-",
                    Self.number(policy.meanLength, 1),
                ] + cells)
        }
        return ([table.render()] + [comparisonTable, accuracyTable, agreement?.text].compactMap(\.self))
            .joined(separator: "\n")
    }

    /// What a judge that compares says beside win rates; `nil` for one that scores.
    private var comparisonTable: String? {
        guard matches.contains(where: { $0.lengthControlledWinRate != nil }) else { return nil }
        var table = TextTable(["policy", "against", "win", "tie", "lose", "at equal length", "same in both orders"])
        for match in matches {
            let percent = { (rate: Double?) in rate.map { "\(Self.number(100 * $0, 1)) %" } ?? "-" }
            table.add([
                match.policy, match.against, "\(match.wins)", "\(match.ties)", "\(match.losses)",
                percent(match.lengthControlledWinRate), percent(match.positionConsistency),
            ])
        }
        return table.render()
    }

    /// How often each policy is right, in percent; `nil` where that is not asked.
    private var accuracyTable: String? {
        guard let names = policies.first?.accuracy?.names else { return nil }
        var table = TextTable(["policy"] + names)
        for policy in policies {
            table.add([policy.name] + names.map { policy.accuracy?.rates[$0].map(Self.percent) ?? "" })
        }
        return table.render()
    }

    private static func percent(_ rate: Accuracy.Rate) -> String { percent(rate.rate, rate.low, rate.high) }

    fileprivate static func percent(_ rate: Double, _ low: Double, _ high: Double) -> String {
        let percent = { (value: Double) in number(100 * value, 1) }
        return "\(percent(rate)) % [\(percent(low)), \(percent(high))]"
    }

    fileprivate static func number(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }
}

extension Evaluation.Policy {
    fileprivate init(name: String, _ samples: [SampledResponse], _ accuracy: Accuracy?) {
        let means = samples.grouped(by: \.index).map { $0.map(\.score).mean }
        self.init(
            name: name, prompts: means.count, meanScore: means.mean, standardError: means.standardError,
            meanLength: samples.map { Double($0.length) }.mean,
            finished: samples.map { $0.isFinished ? 1 : 0 }.mean, accuracy: accuracy)
    }
}

extension Evaluation.Match {
    fileprivate var text: String { Evaluation.percent(winRate, low, high) }
}

extension Array {
    /// The elements with the same key together, in the order of keys: sums over groups then have the same bits each time.
    func grouped(by key: (Element) -> Int) -> [[Element]] {
        Dictionary(grouping: self, by: key).sorted { $0.key < $1.key }.map(\.value)
    }
}

extension [Double] {
    var mean: Double { isEmpty ? 0 : reduce(0, +) / Double(count) }

    /// The standard error of the mean; `nil` of fewer than two.
    fileprivate var standardError: Double? {
        guard count > 1 else { return nil }
        let mean = mean
        let variance = reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        return (variance / Double(count)).squareRoot()
    }
}
