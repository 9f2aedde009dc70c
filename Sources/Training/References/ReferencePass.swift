import MPI
import PreferenceData
import Runs
import Torch
import Transformers

/// The pass of a frozen model over a data set that fills a reference table, shard by shard.
///
/// The micro-batches of a shard are made of all its pairs and then dealt out, so what is computed is the same on any number
/// of ranks. A shard that is written counts: a pass that was stopped goes on with the next.
package struct ReferencePass {
    package let workers: Communicator
    package let maxTokens: Int
    /// What the model is called where it fails.
    package let name: String
    /// What an example is called there.
    package let noun: String
    /// What the model says of the pairs of a micro-batch, in order.
    package let rows: (ResponseBatch) throws -> [ReferenceRow]

    package init(
        over workers: Communicator, maxTokens: Int, named name: String, noun: String = "pair",
        rows: @escaping (ResponseBatch) throws -> [ReferenceRow]
    ) {
        (self.workers, self.maxTokens, self.name) = (workers, maxTokens, name)
        (self.noun, self.rows) = (noun, rows)
    }

    /// How the workers do their shares of a shard, each at its own pace, asking before each micro-batch whether to go on;
    /// throws on all of them where not.
    package typealias Together = (_ share: (_ goesOn: () -> Bool) throws -> [ReferenceRow]) throws -> [ReferenceRow]

    /// Computes and writes shards; all workers call this together, with the same pairs.
    ///
    /// - Parameter afterwards: Told, after each shard, how many pairs it has.
    /// - Throws: ``ModelOutputError`` on the worker that finds a number that is not finite, and what `together` throws.
    package func fill(
        _ missing: [Int], of shards: ReferenceShards, with pairs: [some PackableExample], together: Together,
        afterwards: (_ pairs: Int) throws -> Void = { _ in }
    ) throws {
        for shard in missing {
            let part = pairs[shards.layout.shards[shard]]
            let mine = try together { try share(of: part, while: $0) }
            var writer = ByteWriter()
            for row in mine { writer.write(row) }
            if let all = try workers.gather(writer.bytes, root: 0) {
                try shards.write(try ordered(all, as: part), shard: shard)
            }
            try afterwards(part.count)
        }
        // Everybody reads what the first has written.
        try workers.quietBarrier()
    }

    /// What the model says of pairs, known to every worker: each asks it of a share; all call this together.
    ///
    /// - Throws: ``ModelOutputError`` on the worker that finds a number that is not finite.
    package func rows(of pairs: [some PackableExample]) throws -> [ReferenceRow] {
        var writer = ByteWriter()
        for row in try share(of: pairs[...], while: { true }) { writer.write(row) }
        return try ordered(try workers.allGather(writer.bytes), as: pairs[...])
    }

    /// This worker's micro-batches of a shard.
    private func share(of pairs: ArraySlice<some PackableExample>, while goesOn: () -> Bool) throws -> [ReferenceRow] {
        let pairs = Array(pairs)
        let groups = TokenBalancer.group(pairs.map(\.tokenCount), budget: maxTokens)
        let sizes = groups.map { $0.reduce(0) { $0 + pairs[$1].tokenCount } }
        var found: [ReferenceRow] = []
        for group in TokenBalancer.share(sizes, over: workers.size)[workers.rank] {
            guard goesOn() else { break }
            for row in try rows(ResponseBatch(groups[group].map { pairs[$0] })) {
                if let number = row.notFinite {
                    throw ModelOutputError(
                        "reference \(name): the log-probability of a response of \(noun) \(row.index)", number)
                }
                found.append(row)
            }
        }
        return found
    }

    private func ordered(_ parts: [[UInt8]], as pairs: ArraySlice<some PackableExample>) throws -> [ReferenceRow] {
        var rows: [Int: ReferenceRow] = [:]
        for bytes in parts {
            var reader = ByteReader(bytes)
            while !reader.rest.isEmpty {
                let row = try reader.readReferenceRow()
                rows[row.index] = row
            }
        }
        return pairs.map { pair in
            guard let row = rows[pair.index] else { preconditionFailure("pair \(pair.index) has no reference") }
            return row
        }
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ row: ReferenceRow) {
        write(row.index)
        write(row.logps.chosen)
        write(row.logps.rejected)
        write(row.tokenLogps)
        write(row.entropies)
    }
}

extension ByteReader {
    fileprivate mutating func readReferenceRow() throws -> ReferenceRow {
        let index = try read(Int.self)
        let logps = ReferenceLogps(chosen: try read(Double.self), rejected: try read(Double.self))
        return ReferenceRow(
            index: index, logps: logps, tokenLogps: try readArray(of: Float.self),
            entropies: try readArray(of: Float.self))
    }
}
