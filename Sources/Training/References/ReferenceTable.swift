import Foundation
import PreferenceData
import Runs
import Torch

/// What one frozen model says of a data set, by the number of a pair's record in it.
///
/// Sums are in memory, sixteen bytes a pair; columns of tokens stay in their files, of which a step reads what it needs.
package final class ReferenceTable {
    /// The sums of chosen and rejected responses by index; not a number where there is no such pair.
    private var chosen: [Double] = []
    private var rejected: [Double] = []
    /// The number of each pair among all, by index.
    private var numbers: [Int32] = []
    private let shards: ReferenceShards?
    private var files: [SafetensorsFile] = []

    /// Sums that are at hand.
    package init(_ rows: some Sequence<(index: Int, logps: ReferenceLogps)>) {
        shards = nil
        for (index, logps) in rows { set(index, logps) }
    }

    /// Rows that are at hand, whose columns of tokens go to a file that nobody else sees.
    package convenience init(_ rows: [ReferenceRow], of pairs: [TokenizedPair], _ columns: ReferenceColumns) throws {
        guard !columns.isEmpty else {
            self.init(rows.map { ($0.index, $0.logps) })
            return
        }
        let rows = Dictionary(uniqueKeysWithValues: rows.map { ($0.index, $0) })
        let directory = FileManager.default.temporaryDirectory.appending(path: "mpo-\(UUID().uuidString)")
        let shards = ReferenceShards(directory, ReferenceLayout(pairs), columns)
        // Open files stay readable once their names are gone.
        defer { try? FileManager.default.removeItem(at: directory) }
        try shards.prepare(for: ReferenceKey(model: "", fingerprint: 0, pairs: pairs.count))
        for (shard, range) in shards.layout.shards.enumerated() {
            try shards.write(range.compactMap { rows[pairs[$0].index] }, shard: shard)
        }
        try self.init(shards, of: pairs)
    }

    /// Reads the sums of a table that is whole.
    package init(_ shards: ReferenceShards, of pairs: [some PackableExample]) throws {
        self.shards = shards
        // To list a directory makes a network file system ask its server for what another rank has just left there.
        _ = try? FileManager.default.contentsOfDirectory(atPath: shards.directory.path)
        let count = (pairs.map(\.index).max() ?? -1) + 1
        chosen.reserveCapacity(count)
        rejected.reserveCapacity(count)
        for shard in shards.layout.shards.indices {
            let file = try shards.open(shard)
            let sums = try file.tensor("logps").doubles()
            for (row, number) in shards.layout.shards[shard].enumerated() {
                let own = sums[shards.layout.sums * row..<shards.layout.sums * (row + 1)]
                set(
                    pairs[number].index,
                    ReferenceLogps(chosen: own.first ?? .nan, rejected: own.count > 1 ? own[own.endIndex - 1] : 0))
            }
            if !shards.columns.isEmpty { files.append(file) }
        }
        guard !shards.columns.isEmpty else { return }
        numbers = Array(repeating: -1, count: count)
        for (number, pair) in pairs.enumerated() { numbers[pair.index] = Int32(number) }
    }

    private func set(_ index: Int, _ logps: ReferenceLogps) {
        while chosen.count <= index {
            chosen.append(.nan)
            rejected.append(.nan)
        }
        (chosen[index], rejected[index]) = (logps.chosen, logps.rejected)
    }

    /// The sums of the pair at `index`; `nil` where the table has none.
    package subscript(_ index: Int) -> ReferenceLogps? {
        guard chosen.indices.contains(index), !chosen[index].isNaN else { return nil }
        return ReferenceLogps(chosen: chosen[index], rejected: rejected[index])
    }

    /// A column of tokens, `[tokens]`: those of each pair's chosen and then rejected response, pair by pair.
    package func column(_ column: ReferenceColumns, ofPairs indices: [Int]) -> Tensor {
        guard let shards, shards.columns.contains(column), let name = column.names.first else {
            preconditionFailure("a loss reads what its reference was not asked for")
        }
        let parts = indices.map { index in
            let number = Int(numbers[index])
            let shard = shards.layout.shard(ofPair: number)
            return (shard: shard, tokens: shards.layout.tokens(ofPair: number, inShard: shard))
        }
        let result = Tensor.zeros([parts.reduce(0) { $0 + $1.tokens.count }])
        var start = 0
        for (shard, tokens) in parts where !tokens.isEmpty {
            let count = shards.layout.tokenCount(ofShard: shard)
            do {
                try files[shard].read(name, tokens, of: count, into: result.narrowed(0, start..<start + tokens.count))
            } catch {
                preconditionFailure("\(error), though its header was checked when it was opened")
            }
            start += tokens.count
        }
        return result
    }
}

extension ReferenceLayout {
    /// The shard that a pair is in.
    fileprivate func shard(ofPair number: Int) -> Int {
        var (low, high) = (0, shards.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if number < shards[middle].upperBound { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
