import Commands
import Foundation
import TestSupport
import Testing

/// What scipy and statsmodels compute: `Tests/Fixtures/statistics.json`.
private struct StatisticsFixture: Decodable {
    struct Distribution: Decodable {
        var degreesOfFreedom: Double
        var t: [Double]
        var cumulative: [Double]
        var twoSidedTail: [Double]
        var probability: [Double]
        var quantile: [Double]
    }
    struct Pair: Decodable {
        struct Difference: Decodable {
            var t: Double
            var p: Double
            var low: Double
            var high: Double
        }
        var first: [Double]
        var second: [Double]
        var mean: Double
        var interval: [Double]
        var difference: Difference
    }
    struct Correction: Decodable {
        var p: [Double]
        var adjusted: [Double]
    }

    var distribution: [Distribution]
    var tests: [Pair]
    var corrections: [Correction]

    init() throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(
            StatisticsFixture.self, from: Data(contentsOf: TestSupport.fixture("statistics.json")))
    }
}

@Suite("Statistics over seeds")
struct StatisticsTests {
    private static let tolerance = 1e-9

    private func expect(
        _ value: Double, _ expected: Double, _ what: String = "", location: SourceLocation = #_sourceLocation
    ) {
        #expect(
            abs(value - expected) <= Self.tolerance * max(1, abs(expected)), "\(what): \(value), not \(expected)",
            sourceLocation: location)
    }

    @Test("Student's t is scipy's, in its tails too")
    func distribution() throws {
        let fixture = try StatisticsFixture()
        #expect(fixture.distribution.count == 9)
        for recorded in fixture.distribution {
            let nu = recorded.degreesOfFreedom
            let distribution = StudentT(degreesOfFreedom: nu)
            for (index, t) in recorded.t.enumerated() {
                expect(distribution.cumulative(t), recorded.cumulative[index], "\(nu): P(T <= \(t))")
                let (tail, expected) = (distribution.twoSidedTail(t), recorded.twoSidedTail[index])
                #expect(abs(tail - expected) <= Self.tolerance * expected, "\(nu), \(t): \(tail), not \(expected)")
            }
            for (p, quantile) in zip(recorded.probability, recorded.quantile) {
                expect(distribution.quantile(p), quantile, "\(nu): quantile \(p)")
            }
        }
    }

    @Test("Intervals and paired tests are scipy's")
    func paired() throws {
        let fixture = try StatisticsFixture()
        #expect(fixture.tests.count == 15)
        for pair in fixture.tests {
            let own = SeedSummary(pair.first)
            expect(try #require(own.mean), pair.mean)
            expect(try #require(own.low), pair.interval[0])
            expect(try #require(own.high), pair.interval[1])
            let difference = SeedDifference(pair.first, to: pair.second)
            expect(difference.low, pair.difference.low)
            expect(difference.high, pair.difference.high)
            #expect(abs(difference.p - pair.difference.p) <= Self.tolerance * pair.difference.p)
            expect(TTest(difference.values).t, pair.difference.t)
        }
    }

    @Test("Holm's correction is that of statsmodels")
    func holm() throws {
        for correction in try StatisticsFixture().corrections {
            let adjusted = HolmCorrection.adjusted(correction.p)
            for (value, expected) in zip(adjusted, correction.adjusted) { expect(value, expected) }
        }
        #expect(HolmCorrection.adjusted([]) == [])
    }

    @Test("Values that are all the same have an interval without width, and leave no doubt")
    func constant() {
        let same = SeedDifference([0.3, 0.3, 0.3], to: [0.3, 0.3, 0.3])
        #expect((same.mean, same.low, same.high, same.p) == (0, 0, 0, 1))
        let apart = SeedDifference([2, 3, 4], to: [1, 2, 3])
        #expect((apart.mean, apart.low, apart.high, apart.p) == (1, 1, 1, 0))
    }

    @Test("A rate's interval stays a rate's, and a seed without a value leaves no mean")
    func bounds() {
        let rate = SeedSummary([0.2, 1], within: 0...1)
        #expect((rate.low, rate.high) == (0, 1))
        let lacking = SeedSummary([0.2, nil, 0.3])
        #expect(lacking.mean == nil && lacking.low == nil && lacking.high == nil)
    }
}
