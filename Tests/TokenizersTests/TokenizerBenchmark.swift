import Foundation
import TestSupport
import Testing
import Tokenizers

/// Measures, for a person to read: `MPO_BENCHMARK=1 swift test -c release --filter TokenizerBenchmark`.
@Suite(
    "Tokenizer speed",
    .enabled(
        if: ProcessInfo.processInfo.environment["MPO_BENCHMARK"] != nil && TestSupport.shared != nil,
        "set MPO_BENCHMARK and MPO_SHARED to measure"),
    .serialized)
struct TokenizerBenchmark {
    @Test("At least 10 MB/s on the HH texts with an optimised build", arguments: TokenizerFixtures.real.keys.sorted())
    func throughput(name: String) throws {
        let directory = try #require(TokenizerFixtures.real[name])
        var start = Self.processorTime()
        let tokenizer = try Tokenizer(directory: directory)
        let loading = Self.processorTime() - start
        let texts = try TokenizerFixtures.dataStrings("hh-harmless-train.jsonl.gz")
        let bytes = Double(texts.reduce(0) { $0 + $1.utf8.count })
        var rates: [Double] = []
        var count = 0
        for _ in 0..<5 {
            count = 0
            start = Self.processorTime()
            for text in texts { count += tokenizer.encode(text, addSpecialTokens: false).count }
            rates.append(bytes / 1e6 / (Self.processorTime() - start))
        }
        var decodedBytes = 0
        let ids = texts.map { tokenizer.encode($0, addSpecialTokens: false) }
        start = Self.processorTime()
        for ids in ids { decodedBytes += tokenizer.decode(ids, skipSpecialTokens: true).utf8.count }
        let decoding = Self.processorTime() - start
        func text(_ value: Double) -> String { value.formatted(.number.precision(.fractionLength(1))) }
        print(
            "\(name): loaded in \(text(loading * 1e3)) ms, \(count) ids, first pass \(text(rates[0])) MB/s, best \(text(rates.max() ?? 0)),",
            "decoding \(text(Double(decodedBytes) / 1e6 / decoding)) MB/s")
        #if !DEBUG
            #expect(rates[0] >= 10)
        #endif
    }

    /// Seconds of one core, which do not depend on what else the machine does.
    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
