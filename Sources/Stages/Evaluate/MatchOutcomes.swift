import Runs
import Training

/// What comes of comparing policies' responses, by the scores of a judge or by its verdicts.
package struct MatchOutcomes {
    /// Of one response of each policy to the same prompt.
    struct Outcome {
        /// The prompt.
        let index: Int
        /// 1 where the policy's is better, 0 where the other's is, 1/2 where neither is.
        let value: Double
        /// How many tokens longer the policy's is.
        let lengthDifference: Int
        /// Whether the judge said the same in both orders; `nil` where it was not asked so.
        var agrees: Bool?
    }

    /// Which policies are compared.
    package let matches: PolicyMatches
    /// Of each match, sorted by prompt and sample.
    private let outcomes: [[Outcome]]
    /// Whether they are verdicts, and not scores.
    private let areVerdicts: Bool

    /// By the scores of responses: of each policy those to the same prompts, sorted by prompt and sample.
    ///
    /// - Parameter score: Which score; the judge's where nothing is said.
    package init(
        scoresOf groups: [[SampledResponse]], _ score: (SampledResponse) -> Double = \.score,
        in matches: PolicyMatches? = nil
    ) {
        self.matches = matches ?? PolicyMatches(policies: groups.count)
        areVerdicts = false
        outcomes = self.matches.all.map { match in
            Self.pairs(groups, match).map { own, other in
                let (own, other) = (own, other)
                let (score, otherScore) = (score(own), score(other))
                return Outcome(
                    index: own.index, value: score > otherScore ? 1 : score < otherScore ? 0 : 0.5,
                    lengthDifference: own.length - other.length)
            }
        }
    }

    /// By verdicts on the same responses.
    ///
    /// - Throws: ``RunError`` where one is missing, or is of something else.
    package init(verdicts: [MatchVerdict], on groups: [[SampledResponse]]) throws(RunError) {
        matches = PolicyMatches(asked: groups.count)
        areVerdicts = true
        var byMatch = [[MatchVerdict]](repeating: [], count: matches.all.count)
        for verdict in verdicts where byMatch.indices.contains(verdict.match) { byMatch[verdict.match].append(verdict) }
        var outcomes: [[Outcome]] = []
        for (match, verdicts) in zip(matches.all, byMatch) {
            let pairs = Self.pairs(groups, match)
            let sorted = verdicts.sorted { ($0.index, $0.sample) < ($1.index, $1.sample) }
            guard sorted.elementsEqual(pairs, by: { $0.index == $1.0.index && $0.sample == $1.0.sample }) else {
                throw .other("the judge's verdicts are not those of the responses; resume the run again")
            }
            outcomes.append(
                zip(pairs, sorted).map { pair, verdict in
                    Outcome(
                        index: verdict.index, value: verdict.verdict.value,
                        lengthDifference: pair.0.length - pair.1.length, agrees: verdict.verdict.agrees)
                })
        }
        self.outcomes = outcomes
    }

    /// What each match comes to.
    func matches(named names: [String]) -> [Evaluation.Match] {
        zip(matches.all, outcomes).map { match, outcomes in
            var result = Evaluation.Match(policy: names[match.policy], against: names[match.other], outcomes)
            guard areVerdicts, !outcomes.isEmpty else { return result }
            result.lengthControlledWinRate =
                LengthControlledRate(
                    outcomes: outcomes.map(\.value), differences: outcomes.map { Double($0.lengthDifference) }
                ).rate
            let asked = outcomes.compactMap(\.agrees)
            result.positionConsistency = asked.isEmpty ? nil : asked.map { $0 ? 1 : 0 }.mean
            return result
        }
    }

    /// The share of its comparisons that each response wins, a tie being half of one; in the order of `groups`.
    package func shares(of groups: [[SampledResponse]]) -> [[Double]] {
        var won = groups.map { [Double](repeating: 0, count: $0.count) }
        var met = [Int](repeating: 0, count: groups.count)
        for (match, outcomes) in zip(matches.all, outcomes) {
            for (place, outcome) in outcomes.enumerated() {
                won[match.policy][place] += outcome.value
                won[match.other][place] += 1 - outcome.value
            }
            met[match.policy] += 1
            met[match.other] += 1
        }
        return zip(won, met).map { won, met in won.map { $0 / Double(max(1, met)) } }
    }

    /// All outcomes in one list.
    package var values: [Double] { outcomes.flatMap { $0.map(\.value) } }

    private static func pairs(
        _ groups: [[SampledResponse]], _ match: PolicyMatches.Match
    ) -> [(SampledResponse, SampledResponse)] {
        zip(groups[match.policy], groups[match.other]).map { own, other in
            precondition(own.index == other.index && own.sample == other.sample, "policies answered other prompts")
            return (own, other)
        }
    }
}

extension Evaluation.Match {
    /// The interval takes each prompt as one draw.
    fileprivate init(policy: String, against other: String, _ outcomes: [MatchOutcomes.Outcome]) {
        let byPrompt = outcomes.grouped(by: \.index).map { $0.map(\.value).mean }
        let interval = WilsonInterval(rate: byPrompt.mean, count: byPrompt.count)
        self.init(
            policy: policy, against: other, wins: outcomes.count { $0.value == 1 },
            ties: outcomes.count { $0.value == 0.5 }, losses: outcomes.count { $0.value == 0 }, winRate: byPrompt.mean,
            low: interval.low, high: interval.high)
    }
}

/// How far another judge agrees with the judge, over all comparisons that both were asked for.
package struct JudgeAgreement: Codable, Equatable {
    /// The other one.
    package let judge: String
    package let comparisons: Int
    /// The share on which both say the same.
    package let agreement: Double
    /// ``CohenKappa``; `nil` where it tells nothing.
    package let kappa: Double?

    private enum CodingKeys: String, CodingKey {
        case comparisons, agreement, kappa
        case judge = "other_judge"
    }

    init(_ judge: String, _ verdicts: [Double], _ others: [Double]) {
        let kappa = CohenKappa(verdicts, others)
        self.judge = judge
        (comparisons, agreement, self.kappa) = (verdicts.count, kappa.agreement, kappa.kappa)
    }

    /// A line for the person who watches.
    var text: String {
        let kappa = kappa.map { HumanFormat.metric($0) } ?? "not defined, as both say the same of everything"
        return "\(judge) says the same in \(HumanFormat.metric(100 * agreement)) % of \(comparisons) comparisons; "
            + "Cohen's kappa \(kappa)"
    }
}
