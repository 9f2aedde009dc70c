import Runs
import Stages
import Testing
import Training

/// Held against NumPy's numbers: `Tests/Fixtures/make_judges.py` prints them.
@Suite("What is told of judges that compare")
struct JudgeStatisticsTests {
    @Test(
        "The win rate at equal length is that of the regression",
        arguments: [
            ([1, 1, 0, 0.5, 1, 0, 1, 0.5], [12, 30, -8, 2, 25, -14, 3, -1], 0.5544129960, 1.1129559917),
            ([1, 0, 1, 0, 0.5], [-10, 10, -3, 4, 1], 0.5168430264, -0.9634266747),
            ([1, 1, 1, 0, 0, 0], [5, 6, 7, -5, -6, -7], 0.5, 1.2849035013),
            ([1, 0, 0, 0.5], [0, 0, 0, 0.1], 0.3576458454, 0.1458750725),
        ] as [([Double], [Double], Double, Double)])
    func lengthControlled(outcomes: [Double], differences: [Double], rate: Double, slope: Double) {
        let fit = LengthControlledRate(outcomes: outcomes, differences: differences)
        #expect(abs(fit.rate - rate) < 1e-8 && abs(fit.slope - slope) < 1e-8)
    }

    @Test("Where all are wins, losses or of one length, it is the win rate")
    func plain() {
        #expect(LengthControlledRate(outcomes: [1, 1], differences: [3, -2]).rate == 1)
        #expect(LengthControlledRate(outcomes: [0, 0], differences: [3, -2]).rate == 0)
        let even = LengthControlledRate(outcomes: [1, 0, 1, 0.5], differences: [0, 0, 0, 0])
        #expect(abs(even.rate - 0.625) < 1e-12)
    }

    @Test(
        "Cohen's kappa of wins, ties and losses",
        arguments: [
            ([1, 1, 0, 0.5, 1, 0], [1, 0, 0, 0.5, 1, 0.5], 0.6666666667, 0.5), ([1, 0, 1, 0], [0, 1, 0, 1], 0, -1),
            ([1, 1, 0, 0], [1, 0, 1, 0], 0.5, 0),
        ] as [([Double], [Double], Double, Double)])
    func kappa(verdicts: [Double], others: [Double], agreement: Double, kappa: Double) throws {
        let found = CohenKappa(verdicts, others)
        #expect(abs(found.agreement - agreement) < 1e-9)
        #expect(abs(try #require(found.kappa) - kappa) < 1e-9)
    }

    @Test("Two judges that say one thing of everything have no kappa")
    func undefined() {
        #expect(CohenKappa([1, 1], [1, 1]).kappa == nil)
    }

    @Test("Of up to four policies every two are compared, of more each with the first")
    func matches() {
        #expect(PolicyMatches(asked: 4).all == PolicyMatches(policies: 4).all)
        #expect(PolicyMatches(asked: 4).all.count == 6)
        #expect(PolicyMatches(asked: 6).all.map(\.policy) == [1, 2, 3, 4, 5])
        #expect(PolicyMatches(asked: 6).all.allSatisfy { $0.other == 0 })
    }

    @Test("Verdicts make matches, and shares of what each response wins")
    func outcomes() throws {
        let groups = (0..<3).map { policy in
            (0..<2).map { index in
                SampledResponse(
                    policy: policy, index: index, sample: 0, text: "", length: 10 + policy, isFinished: true, score: 0)
            }
        }
        // Matches 1-0, 2-0 and 2-1, of two prompts each.
        let values: [(Double, Bool?)] = [(1, true), (0.5, false), (0, true), (1, true), (0.5, nil), (0.5, true)]
        let verdicts = values.enumerated().map { place, value in
            MatchVerdict(
                judge: 0, match: place / 2, index: place % 2, sample: 0,
                verdict: PairVerdict(value: value.0, agrees: value.1))
        }
        let outcomes = try MatchOutcomes(verdicts: verdicts.reversed(), on: groups)
        let samples = groups.flatMap(\.self)
        let matches = Evaluation(samples, policies: ["a", "b", "c"], outcomes: outcomes).matches
        #expect(matches.map(\.policy) == ["b", "c", "c"] && matches.map(\.against) == ["a", "a", "b"])
        #expect(matches.map(\.winRate) == [0.75, 0.5, 0.5])
        #expect(matches.map(\.positionConsistency) == [0.5, 1, 1])
        #expect(outcomes.shares(of: groups) == [[0.5, 0.25], [0.75, 0.5], [0.25, 0.75]])
        #expect(throws: RunError.self) { try MatchOutcomes(verdicts: Array(verdicts.dropLast()), on: groups) }
    }
}
