import Foundation
import JSON
import PreferenceData
import TestSupport
import Testing

@Suite("The split by reward gap")
struct GapSplitTests {
    /// Gaps 2, 1, 0.5, 1 and 0; the second and the last are wrong (a tie is).
    private let pairs = [(2.0, 0.0), (0, 1), (0.75, 0.25), (3, 2), (1, 1)].enumerated().map {
        ScoredPair(index: $0, chosenReward: $1.0, rejectedReward: $1.1)
    }

    private func indices(_ pairs: [ScoredPair]) -> [Int] { pairs.map(\.index) }

    @Test("A gap of gamma or more is easy, in the order of the data or the largest gap first")
    func threshold() throws {
        let parts = try GapSplit(.threshold(1)).split(pairs)
        #expect((indices(parts.easy), indices(parts.difficult)) == ([0, 1, 3], [2, 4]))
        let ordered = try GapSplit(.threshold(0.25), order: .easyToHard).split(pairs)
        #expect((indices(ordered.easy), indices(ordered.difficult)) == ([0, 1, 3, 2], [4]))
        let all = try GapSplit(.threshold(0)).split(pairs)
        #expect(all.easy.count == 5 && all.difficult.isEmpty)
    }

    @Test("At random as many pairs are easy as by gap, others of each seed, in either order")
    func atRandom() throws {
        let many = (0..<40).map { ScoredPair(index: $0, chosenReward: Double($0), rejectedReward: 0) }
        let byGap = try GapSplit(.quantile(0.4)).split(many)
        let parts = try (1...2).map { try GapSplit(.quantile(0.4), assignment: .random(seed: $0)).split(many) }
        for part in parts {
            #expect((part.easy.count, part.threshold) == (byGap.easy.count, byGap.threshold))
            #expect(Set(indices(part.easy + part.difficult)) == Set(0..<40))
            #expect(indices(part.easy) == indices(part.easy).sorted() && part.easy != byGap.easy)
        }
        #expect(parts[0] != parts[1])
        #expect(try GapSplit(.quantile(0.4), assignment: .random(seed: 1)).split(many) == parts[0])
        let ordered = try GapSplit(.quantile(0.4), assignment: .random(seed: 1), order: .easyToHard).split(many)
        #expect(indices(ordered.easy) == indices(parts[0].easy).reversed())
    }

    @Test("A quantile gives the threshold that NumPy gives")
    func quantile() throws {
        // numpy.quantile([2, 1, .5, 1, 0], [0, .1, .5, .9, 1])
        for (part, value) in [(0, 0), (0.1, 0.2), (0.5, 1), (0.9, 1.6), (1, 2)] {
            #expect(abs(try GapSplit(.quantile(part)).split(pairs).threshold - value) < 1e-12)
        }
        #expect(try GapSplit(.quantile(0.5)).split([]).easy.isEmpty)
    }

    @Test(
        "Equal gaps stay together, on the side that brings the difficult part nearer to its share",
        arguments: [
            // Gaps with their numbers, the quantile, and how many are then difficult.
            ([0: 12, 1: 8], 0.5, 12), ([0: 12, 1: 8], 0.1, 12), ([0: 12, 1: 8], 0.6, 12), ([0: 12, 1: 8], 0.7, 12),
            ([0: 12, 1: 8], 1, 12), ([0: 12, 1: 8], 0, 0), ([0: 8, 1: 12], 0.5, 8), ([0: 5, 1: 10, 2: 5], 0.4, 5),
            ([0: 5, 1: 10, 2: 5], 0.5, 5), ([0: 5, 1: 10, 2: 5], 0.6, 15), ([0: 1, 1: 18, 2: 1], 0.9, 19),
            ([3: 20], 0.4, 0), ([3: 20], 0.6, 20), ([0: 1, 1: 1, 2: 1, 3: 1], 0.5, 2),
        ])
    func ties(gaps: [Int: Int], part: Double, difficult: Int) throws {
        let all = gaps.flatMap { Array(repeating: Double($0.key), count: $0.value) }.enumerated().map {
            ScoredPair(index: $0, chosenReward: $1, rejectedReward: 0)
        }
        let parts = try GapSplit(.quantile(part)).split(all)
        #expect((parts.difficult.count, parts.easy.count) == (difficult, all.count - difficult))
        #expect(parts.difficult.allSatisfy { $0.gap < parts.threshold })
    }

    @Test("Every pair goes to exactly one part, and no difficult gap reaches an easy one")
    func partition() throws {
        var random = SplitMix64(6)
        for _ in 0..<100 {
            let pairs = (0..<random.next(below: 80)).map {
                ScoredPair(
                    index: $0, chosenReward: 4 * random.uniform(), rejectedReward: (4 * random.uniform()).rounded())
            }
            let rule: GapSplit.Rule =
                random.next(below: 2) == 0 ? .threshold(2 * random.uniform()) : .quantile(random.uniform())
            for order in GapSplit.Order.allCases {
                let parts = try GapSplit(rule, order: order).split(pairs)
                #expect((indices(parts.easy) + indices(parts.difficult)).sorted() == Array(pairs.indices))
                #expect(parts.difficult.map(\.gap).max() ?? 0 <= parts.easy.map(\.gap).min() ?? .infinity)
                if order == .source { #expect(indices(parts.easy) == indices(parts.easy).sorted()) }
                if order == .easyToHard { #expect(parts.easy.map(\.gap) == parts.easy.map(\.gap).sorted(by: >)) }
            }
        }
    }

    @Test("A reward that is not finite, and a rule that makes no sense, are refused")
    func refused() throws {
        let bad = ScoredPair(index: 3, chosenReward: .nan, rejectedReward: 0)
        #expect(
            message { _ = try GapSplit(.threshold(1)).split(pairs + [bad]) }
                == "pair 3: the gap between rewards nan and 0.0 is not a finite number; check the reward model")
        let far = ScoredPair(index: 4, chosenReward: 1e308, rejectedReward: -1e308)
        #expect(message { _ = try GapSplit(.quantile(0.5)).split(pairs + [far]) }.hasPrefix("pair 4: the gap"))
        #expect(message { _ = try GapSplit(.threshold(-1)) } == "gamma: -1.0 is not a gap; it must be 0 or more")
        #expect(message { _ = try GapSplit(.quantile(1.5)) } == "quantile: 1.5 is not between 0 and 1")
    }

    @Test("A gap too small to be divided into bars has no histogram")
    func smallestGap() throws {
        let pair = ScoredPair(index: 0, chosenReward: .leastNonzeroMagnitude, rejectedReward: 0)
        #expect(SplitSummary(try GapSplit(.threshold(0)).split([pair])).histogram.isEmpty)
    }

    @Test("The summary of five pairs, by hand")
    func summary() throws {
        let summary = SplitSummary(try GapSplit(.threshold(1)).split(pairs))
        #expect((summary.count, summary.easy, summary.difficult, summary.threshold) == (5, 3, 2, 1))
        #expect(summary.accuracy == 0.6 && summary.easyAccuracy == 2.0 / 3 && summary.difficultAccuracy == 0.5)
        #expect(summary.meanGap == 0.9)
        #expect(summary.buckets.map(\.count) == [2, 2, 1, 0])
        #expect(summary.buckets.map(\.accuracy) == [0.5, 0.5, 1, nil])
        #expect(summary.buckets.map(\.from) == [0, 1, 2, 3] && summary.buckets.map(\.to) == [1, 2, 3, nil])
        #expect(summary.quantiles.map(\.count) == [1, 1, 1, 1, 1])
        #expect(
            summary.quantiles.map(\.from) == [0, 0.5, 1, 1, 2] && summary.quantiles.map(\.to) == [0.5, 1, 1, 2, 2])
        #expect(summary.histogram.count == 20 && summary.histogram.reduce(0) { $0 + $1.count } == 5)
        #expect([0, 5, 10, 19].map { summary.histogram[$0].count } == [1, 1, 2, 1])
        // statistics.mean and statistics.stdev of Python.
        #expect(abs(summary.chosenReward.mean - 1.35) < 1e-12 && abs(summary.chosenReward.std - 1.1672618) < 1e-6)
        #expect(abs(summary.rejectedReward.mean - 0.85) < 1e-12 && abs(summary.rejectedReward.std - 0.7826238) < 1e-6)
        #expect(abs(summary.reward.mean - 1.1) < 1e-12 && abs(summary.reward.std - 0.9732534) < 1e-6)
    }

    @Test("With the counts of MPO's authors, the buckets show their table and its overall accuracy")
    func authorsTable() throws {
        let table: [(gap: Double, count: Int, accuracy: Double)] = [
            (0.5, 2384, 0.6119), (1.5, 1223, 0.8111), (2.5, 623, 0.9004), (4, 434, 0.9654),
        ]
        let pairs = table.flatMap { row in
            let right = Int((Double(row.count) * row.accuracy).rounded())
            return (0..<row.count).map {
                ScoredPair(index: $0, chosenReward: $0 < right ? row.gap : 0, rejectedReward: $0 < right ? 0 : row.gap)
            }
        }
        let summary = SplitSummary(try GapSplit(.threshold(1)).split(pairs))
        #expect(summary.buckets.map(\.count) == table.map(\.count))
        let accuracies = summary.buckets.compactMap(\.accuracy)
        for (accuracy, row) in zip(accuracies, table) { #expect(abs(accuracy - row.accuracy) < 5e-4) }
        #expect(accuracies == accuracies.sorted())
        #expect(abs((summary.accuracy ?? 0) - 0.7356) < 5e-5)
        #expect((summary.easy, summary.difficult) == (2280, 2384))
    }

    @Test("What a split writes can be read as data again, with fields, text and rewards exact")
    func writing() throws {
        var random = SplitMix64(9)
        let lines = (0..<40).map { place in
            var object = JSONObject()
            object["id"] = .number("\(place).50")
            object["chosen"] = .string("\n\nHuman: \(random.text(9))\n\nAssistant:" + random.text(20))
            object["rejected"] = object["chosen"]?.text.map { .string($0 + "!") }
            object["gap"] = .string("an older one")
            return JSON.object(object).line
        }
        try withFile(lines.joined(separator: "\n")) { file in
            let pairs = try Dataset<PreferencePair>(reading: [file]).records
            let scores = pairs.indices.map {
                ScoredPair(index: $0, chosenReward: random.uniform() * 3, rejectedReward: random.uniform() / 3)
            }
            let parts = try GapSplit(.quantile(0.5), order: .easyToHard).split(scores)
            let directory = file.deletingLastPathComponent()
            let summary = try parts.write(pairs, to: directory)
            for (name, part) in [("easy", parts.easy), ("difficult", parts.difficult)] {
                let again = try Dataset<PreferencePair>(reading: [directory.appending(path: "\(name).jsonl")]).records
                #expect(again.count == part.count)
                for (pair, score) in zip(again, part) {
                    let original = pairs[score.index]
                    #expect(pair.prompt == original.prompt && pair.chosen == original.chosen)
                    #expect(
                        Array(JSON.object(pair.fields).line.utf8)
                            == Array(JSON.object(original.fields(with: score)).line.utf8))
                    #expect(
                        pair.fields.keys == [
                            "id", "chosen", "rejected", "gap", "chosen_reward", "rejected_reward", "source_index",
                        ])
                    #expect(
                        pair.score?.chosenReward == score.chosenReward
                            && pair.score?.rejectedReward == score.rejectedReward)
                    #expect(
                        pair.fields["gap"]?.double == score.gap && pair.fields["source_index"] == .number(score.index))
                    #expect(pair.fields["id"] == .number("\(score.index).50"))
                }
            }
            let data = try Data(contentsOf: directory.appending(path: "summary.json"))
            #expect(try JSONDecoder().decode(SplitSummary.self, from: data) == summary)
            #expect(summary.count == 40)
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            #expect(names == ["data.jsonl", "difficult.jsonl", "easy.jsonl", "summary.json"])
        }
    }

    @Test("A file that was not finished leaves nothing behind")
    func unfinished() throws {
        try TestSupport.withTemporaryDirectory { directory in
            do {
                let writer = try JSONLWriter(directory.appending(path: "a.jsonl"))
                try writer.write(JSONObject())
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
            let nowhere = directory.appending(path: "none/a.jsonl")
            #expect(message { _ = try JSONLWriter(nowhere) }.contains("none/a.jsonl: cannot be written"))
        }
    }
}
