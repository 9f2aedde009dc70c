import Foundation
import TestSupport
import Testing

/// What a reference pass takes beside the pairs' token ids, by `Tests/Helpers/ReferencePass`.
@Suite("Memory and repetition of reference passes", .serialized)
struct ReferenceMemoryTests {
    private struct Figures {
        let asked: Int
        let shards: Int
        /// Peaks in KiB.
        let before: Int
        let after: Int
        let table: Int
    }

    private func figures(_ pairs: Int, in directory: URL) throws -> Figures {
        let job = Job(
            TestSupport.product("reference-pass"), [directory.path, "\(pairs)", "450"], timeLimit: 1200)
        let result = try job.run()
        #expect(result.status == 0, "\(result.errors)")
        let numbers = result.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        try #require(numbers.count == 5, "\(result.output)")
        return Figures(
            asked: numbers[0], shards: numbers[1], before: numbers[2], after: numbers[3], table: numbers[4])
    }

    @Test("The pass takes a bounded amount whatever the pairs, their sums 16 bytes each, and a second one asks nothing")
    func bounded() throws {
        // The micro-batches of all pairs at once would take ten kilobytes a pair.
        let many = TestSupport.runsLongTests ? 160_000 : 4000
        try TestSupport.withTemporaryDirectory { directory in
            let first = try figures(many, in: directory)
            #expect(first.shards == (many + 1165) / 1166)
            #expect(first.asked >= many * 450 / 4096)
            #expect(first.after - first.before < 16 << 10, "\(first.after - first.before) KiB in the pass")
            #expect(first.table - first.after < 2048 + many * 40 / 1024, "\(first.table - first.after) KiB for sums")
            let second = try figures(many, in: directory)
            #expect(second.asked == 0 && second.shards == first.shards)
        }
    }
}
