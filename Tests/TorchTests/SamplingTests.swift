import Foundation
import TestSupport
import Testing
import Torch

/// `Tests/Fixtures/sampling.json`: probabilities after temperature, top-k and top-p.
private struct Fixture: Decodable {
    struct Case: Decodable {
        var logits: [Double]
        var temperature: Double
        var topK: Int
        var topP: Double
        var probabilities: [Double]
    }
    var cases: [Case]

    static func load() throws -> Fixture {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Fixture.self, from: Data(contentsOf: TestSupport.fixture("sampling.json")))
    }
}

@Suite struct SamplingTests {
    private func draw(
        _ logits: [Float], rows: Int, _ options: TokenSampling = TokenSampling(), key: UInt64 = 1,
        from counter: UInt64 = 0, suppressing: Bool = false
    ) -> SampledTokens {
        Tensor((0..<rows).flatMap { _ in logits }, shape: [rows, logits.count]).sampleTokens(
            options, keys: [UInt64](repeating: key, count: rows), counters: (0..<UInt64(rows)).map { counter + $0 },
            suppressing: [Bool](repeating: suppressing, count: rows))
    }

    /// Pearson's statistic over cells that are expected often enough, less its mean, in standard deviations.
    private func excess(_ tokens: [Int32], _ probabilities: [Double]) -> Double {
        var counts = [Double](repeating: 0, count: probabilities.count)
        for token in tokens { counts[Int(token)] += 1 }
        let total = Double(tokens.count)
        let cells = probabilities.indices.filter { probabilities[$0] * total >= 5 }
        let statistic = cells.reduce(0.0) {
            let expected = probabilities[$1] * total
            return $0 + (counts[$1] - expected) * (counts[$1] - expected) / expected
        }
        let freedom = Double(max(1, cells.count - 1))
        return (statistic - freedom) / (2 * freedom).squareRoot()
    }

    @Test("frequencies follow temperature, top-k and top-p, and nothing outside their set is drawn", arguments: 0..<6)
    func frequencies(index: Int) throws {
        let test = try Fixture.load().cases[index]
        let options = TokenSampling(temperature: test.temperature, topK: test.topK, topP: test.topP)
        let drawn = draw(test.logits.map { Float($0) }, rows: 20_000, options, key: UInt64(index))
        #expect(excess(drawn.tokens, test.probabilities) < 4)
        #expect(drawn.tokens.allSatisfy { test.probabilities[Int($0)] > 0 })
        let other = Array(test.probabilities.reversed())
        #expect(index == 5 || excess(drawn.tokens, other) > 4, "the bound tells distributions apart")
    }

    @Test("frequencies over a vocabulary of several blocks follow the softmax")
    func wideVocabulary() {
        var source = NumberSource(61)
        let logits = source.floats(1000, scale: 2)
        let probabilities = Tensor(logits).softmax(0).doubles()
        let drawn = draw(logits, rows: 40_000)
        #expect(excess(drawn.tokens, probabilities) < 4)
        #expect(drawn.tokens.contains { $0 >= 768 })
    }

    @Test("the same counter under many keys draws as freely as many counters under one key")
    func keys() {
        let logits: [Float] = [0, 1, 2, 3]
        let rows = 20_000
        let drawn = Tensor((0..<rows).flatMap { _ in logits }, shape: [rows, 4]).sampleTokens(
            TokenSampling(), keys: (0..<UInt64(rows)).map { $0 << 32 }, counters: [UInt64](repeating: 7, count: rows),
            suppressing: [Bool](repeating: false, count: rows))
        #expect(excess(drawn.tokens, Tensor(logits).softmax(0).doubles()) < 4)
    }

    @Test("log-probabilities are those of the full softmax at the temperature", arguments: [0.5, 1, 1.7])
    func logps(temperature: Double) {
        var source = NumberSource(62)
        let logits = source.floats(300, scale: 5)
        let drawn = draw(logits, rows: 200, TokenSampling(temperature: temperature, topK: 20, topP: 0.9))
        let expected = (Tensor(logits.map(Double.init)) / temperature).logSoftmax(0).doubles()
        for (token, logp) in zip(drawn.tokens, drawn.logps) {
            #expect(abs(Double(logp) - expected[Int(token)]) < 3e-6)
        }
    }

    @Test("temperature zero takes the most likely token, with its log-probability at temperature 1")
    func greedy() {
        let drawn = draw([0.5, 3, -1, 2.5], rows: 5, TokenSampling(temperature: 0))
        #expect(drawn.tokens == [1, 1, 1, 1, 1])
        let expected = Tensor([0.5, 3, -1, 2.5] as [Double]).logSoftmax(0).doubles()[1]
        #expect(drawn.logps.allSatisfy { abs(Double($0) - expected) < 1e-6 })
    }

    @Test("a suppressed token is never drawn, by chance or greedily, and only in rows that suppress")
    func suppression() {
        let logits: [Float] = [5, 0, 1]
        let options = TokenSampling(suppressed: [0])
        let drawn = draw(logits, rows: 2000, options, suppressing: true)
        #expect(Set(drawn.tokens) == [1, 2])
        #expect(
            draw(logits, rows: 3, TokenSampling(temperature: 0, suppressed: [0]), suppressing: true).tokens == [
                2, 2, 2,
            ])
        #expect(draw(logits, rows: 2000, options).tokens.contains(0))
        let mixed = Tensor(logits + logits, shape: [2, 3]).sampleTokens(
            TokenSampling(temperature: 0, suppressed: [0]), keys: [1, 1], counters: [0, 0],
            suppressing: [true, false])
        #expect(mixed.tokens == [2, 0])
    }

    @Test("a row draws the same token alone, in any company, at any place, and on any number of threads")
    func company() {
        var source = NumberSource(63)
        let (rows, vocabulary) = (24, 500)
        let logits = (0..<rows).map { _ in source.floats(vocabulary, scale: 2) }
        let draw = { (order: [Int]) in
            Tensor(order.flatMap { logits[$0] }, shape: [order.count, vocabulary]).sampleTokens(
                TokenSampling(topK: 50, topP: 0.95), keys: order.map { UInt64($0 + 100) },
                counters: order.map { UInt64($0 * 3) }, suppressing: order.map { _ in false })
        }
        let whole = draw(Array(0..<rows))
        #expect(draw(Array(0..<rows)) == whole)
        let backwards = draw(Array((0..<rows).reversed()))
        #expect(backwards.tokens == whole.tokens.reversed() && backwards.logps == whole.logps.reversed())
        for row in 0..<rows {
            let alone = draw([row])
            #expect(alone.tokens == [whole.tokens[row]] && alone.logps == [whole.logps[row]])
        }
        for result in withThreads([1, 2], { draw(Array(0..<rows)) }) { #expect(result == whole) }
        #expect(Set(whole.tokens).count > 10)
    }

    @Test("other keys and other counters draw other tokens")
    func streams() {
        let logits = [Float](repeating: 0, count: 1000)
        let first = draw(logits, rows: 50)
        #expect(draw(logits, rows: 50, key: 2).tokens != first.tokens)
        #expect(draw(logits, rows: 50, from: 50).tokens != first.tokens)
        #expect(Set(first.tokens).count > 40)
    }

    @Test("logits that are not numbers give some token, whose log-probability is no number either, however filtered")
    func notNumbers() {
        var source = NumberSource(65)
        let logits = source.floats(3000, scale: 3).enumerated().map { $0 % 3 == 0 ? Float.nan : $1 }
        for options in [TokenSampling(), TokenSampling(topP: 0.9), TokenSampling(topK: 50, topP: 0.9)] {
            let drawn = draw(logits, rows: 20, options)
            #expect(drawn.tokens.allSatisfy { (0..<3000).contains($0) } && drawn.logps.allSatisfy(\.isNaN))
        }
    }

    @Test("top-p draws what sorting the whole row would, on flat, peaked, equal and tied rows")
    func nucleus() {
        var source = NumberSource(64)
        let vocabulary = 3000
        let rows: [[Float]] =
            [0, 0.1, 1, 3, 8, 40].map { source.floats(vocabulary, scale: $0) }
            + [source.floats(vocabulary, scale: 3).map { ($0 * 4).rounded() / 4 }]
        for topP in [0.001, 0.3, 0.5, 0.9, 0.95, 0.999, 0.999999999] {
            for row in rows {
                let drawn = draw(row, rows: 40, TokenSampling(topP: topP))
                // A token of no weight is what top-k leaves out here, so the rest is sorted whole.
                let sorted = draw(row + [-.infinity], rows: 40, TokenSampling(topK: vocabulary, topP: topP))
                #expect(drawn == sorted, "top-p \(topP)")
            }
        }
    }
}
