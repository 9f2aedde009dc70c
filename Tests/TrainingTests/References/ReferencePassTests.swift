import Foundation
import MPI
import PreferenceData
import Runs
import TestSupport
import Testing
import Torch
import Training

/// Pairs whose reference rows are told from their indices alone.
private func pairs(_ count: Int) -> [TokenizedPair] {
    (0..<count).map { place in
        // Some records were dropped, some prompts are empty, and lengths differ.
        TokenizedPair(
            index: 3 * place, prompt: place % 5 == 4 ? [] : [1, 2, 3],
            chosen: Array(repeating: Int32(place), count: 2 + place % 4), rejected: Array(repeating: 7, count: 3))
    }
}

private func row(_ index: Int, _ pair: TokenizedPair) -> ReferenceRow {
    let logps = (0..<pair.predictedCount).map { Float(-index) - Float($0) / 16 }
    return ReferenceRow(
        index: index, logps: ReferenceLogps(chosen: -Double(index) - 0.5, rejected: -Double(index) - 0.25),
        tokenLogps: logps, entropies: logps.map { -$0 / 2 })
}

@Suite("Reference tables, shard by shard")
struct ReferencePassTests {
    private let data = pairs(23)
    private let columns: ReferenceColumns = [.tokenLogps, .entropies]
    private let key = ReferenceKey(model: "a model", fingerprint: 7, pairs: 23)

    /// Counts the micro-batches that a model is asked.
    private final class Model {
        var asked: [[Int]] = []
        let data: [TokenizedPair]

        init(_ data: [TokenizedPair]) { self.data = data }

        func rows(_ batch: ResponseBatch) -> [ReferenceRow] {
            asked.append(batch.indices)
            return batch.indices.map { row($0, data[$0 / 3]) }
        }
    }

    private struct Stopped: Error {}

    private func shards(_ directory: URL) -> ReferenceShards {
        ReferenceShards(
            directory.appending(path: key.directoryName), ReferenceLayout(data, shardTokens: 40), columns)
    }

    /// Fills what is missing, asking the model for at most so many micro-batches.
    private func fill(_ shards: ReferenceShards, by model: Model, atMost limit: Int = .max) throws {
        let pass = ReferencePass(over: try MPIRuntime().world, maxTokens: 20, named: "m") { model.rows($0) }
        try shards.prepare(for: key)
        try pass.fill(shards.missing(), of: shards, with: data) { share in
            var stopped = false
            let rows = try share {
                stopped = stopped || model.asked.count >= limit
                return !stopped
            }
            if stopped { throw Stopped() }
            return rows
        }
    }

    @Test("Shards are runs of pairs in their order, whole and of bounded tokens")
    func layout() {
        let layout = ReferenceLayout(data, shardTokens: 40)
        #expect(layout.shards.count > 3)
        #expect(layout.shards.flatMap { Array($0) } == Array(data.indices))
        for shard in layout.shards {
            let tokens = data[shard].map(\.tokenCount)
            #expect(tokens.dropLast().reduce(0, +) < 40)
        }
        #expect(layout.tokenOffsets.last == data.reduce(0) { $0 + $1.predictedCount })
        #expect(ReferenceLayout([TokenizedPair]()).shards.isEmpty)
        #expect(ReferenceLayout(data).shards == [0..<23])
    }

    @Test("Every pair is asked once, and its sums and tokens are read back by its index")
    func filled() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let (model, shards) = (Model(data), shards(directory))
            try fill(shards, by: model)
            #expect(model.asked.flatMap(\.self).sorted() == data.map(\.index))
            #expect(shards.missing().isEmpty)
            let table = try ReferenceTable(shards, of: data)
            for pair in data { #expect(table[pair.index] == row(pair.index, pair).logps) }
            #expect(table[1] == nil && table[1000] == nil && table[-1] == nil)
            let some = [12, 0, 66, 27]
            let expected = some.flatMap { row($0, data[$0 / 3]).tokenLogps }
            #expect(table.column(.tokenLogps, ofPairs: some).floats() == expected)
            #expect(table.column(.entropies, ofPairs: some).floats() == expected.map { -$0 / 2 })
            #expect(table.column(.entropies, ofPairs: []).count == 0)
        }
    }

    @Test("A whole table asks nothing again, and a stopped one only what it lacks")
    func resumed() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let (first, shards) = (Model(data), shards(directory))
            #expect(throws: Stopped.self) { try fill(shards, by: first, atMost: 5) }
            let missing = shards.missing()
            #expect(!missing.isEmpty && missing.count < shards.layout.shards.count)
            let second = Model(data)
            try fill(shards, by: second)
            let asked = Set(second.asked.flatMap(\.self))
            #expect(asked == Set(missing.flatMap { data[shards.layout.shards[$0]].map(\.index) }))
            let third = Model(data)
            try fill(shards, by: third)
            #expect(third.asked.isEmpty)
        }
    }

    @Test("A damaged, cut or lost shard is computed again, and no other", arguments: ["flip", "cut", "remove"])
    func damaged(damage: String) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let shards = shards(directory)
            try fill(shards, by: Model(data))
            let file = shards.url(ofShard: 2)
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count - 3] ^= 0x10
            switch damage {
            case "flip": try bytes.write(to: file)
            case "cut": try bytes.dropLast(8).write(to: file)
            default: try FileManager.default.removeItem(at: file)
            }
            #expect(shards.missing() == [2])
            let model = Model(data)
            try fill(shards, by: model)
            #expect(Set(model.asked.flatMap(\.self)) == Set(data[shards.layout.shards[2]].map(\.index)))
            #expect(try ReferenceTable(shards, of: data)[data[20].index] == row(60, data[20]).logps)
        }
    }

    @Test("A table of sums lacks what a loss of tokens asks, and one with tokens serves a loss of sums")
    func otherColumns() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let whole = shards(directory)
            try fill(whole, by: Model(data))
            #expect(ReferenceShards(whole.directory, whole.layout, []).missing().isEmpty)
        }
        try TestSupport.withTemporaryDirectory { directory in
            let sums = ReferenceShards(
                directory.appending(path: key.directoryName), ReferenceLayout(data, shardTokens: 40), [])
            try fill(sums, by: Model(data))
            #expect(sums.missing().isEmpty)
            #expect(shards(directory).missing() == Array(sums.layout.shards.indices))
        }
    }

    @Test("A directory of another key with the same name begins anew, and a number that is none ends the pass")
    func refused() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let shards = shards(directory)
            try fill(shards, by: Model(data))
            try Data("another".utf8).write(to: shards.directory.appending(path: ReferenceKey.fileName))
            #expect(!key.matches(shards.directory))
            try shards.prepare(for: key)
            #expect(key.matches(shards.directory) && shards.missing().count == shards.layout.shards.count)
            let pass = ReferencePass(over: try MPIRuntime().world, maxTokens: 20, named: "the base") { batch in
                batch.indices.map {
                    ReferenceRow(index: $0, logps: ReferenceLogps(chosen: $0 == 9 ? -.infinity : 0, rejected: 0))
                }
            }
            let error = #expect(throws: ModelOutputError.self) {
                try pass.fill([0], of: shards, with: data) { share in try share { true } }
            }
            #expect(
                error.map { "\($0)".contains("reference the base: the log-probability of a response of pair 9") }
                    ?? false)
        }
    }

    @Test("The key tells model, tokens and given sums apart")
    func keys() {
        let keys = [
            key, ReferenceKey(model: "another", fingerprint: 7, pairs: 23),
            ReferenceKey(model: "a model", fingerprint: 8, pairs: 23),
            ReferenceKey(model: "a model", fingerprint: 7, pairs: 23, given: 1),
            ReferenceKey(model: "a model", fingerprint: 7, pairs: 23, given: 2),
        ]
        #expect(Set(keys.map(\.directoryName)).count == keys.count)
    }
}
