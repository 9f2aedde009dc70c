import Foundation
import PreferenceData
import Runs
import Torch

/// How the pairs of a data set are divided into shards, in their order: what a reference table is computed and kept by.
///
/// The division is a function of the pairs alone, so it is the same on any number of ranks.
package struct ReferenceLayout: Sendable, Equatable {
    /// The numbers of each shard's pairs among all.
    package let shards: [Range<Int>]
    /// Where the tokens of each shard's pairs begin in its columns of tokens, and where the last one ends.
    package let tokenOffsets: [Int]
    /// Sums of each pair: two, or one where it is a single response.
    package let sums: Int

    /// Tokens of a shard: some minutes of a small model on a few cores, and small beside the model in memory.
    package static let shardTokens = 1 << 19

    package init(_ pairs: [some PackableExample], shardTokens: Int = shardTokens) {
        var shards: [Range<Int>] = []
        var offsets = [Int]()
        offsets.reserveCapacity(pairs.count + 1)
        var (start, tokens, predicted) = (0, 0, 0)
        for (number, pair) in pairs.enumerated() {
            if tokens >= shardTokens {
                shards.append(start..<number)
                (start, tokens) = (number, 0)
            }
            tokens += pair.tokenCount
            offsets.append(predicted)
            predicted += pair.predictedCount
        }
        if start < pairs.count { shards.append(start..<pairs.count) }
        (self.shards, tokenOffsets) = (shards, offsets + [predicted])
        sums = pairs.first?.responses.count ?? 2
    }

    /// The predicted tokens of a shard's pairs, counted from the first of the shard.
    package func tokens(ofPair number: Int, inShard shard: Int) -> Range<Int> {
        let first = tokenOffsets[shards[shard].lowerBound]
        return tokenOffsets[number] - first..<tokenOffsets[number + 1] - first
    }

    /// How many predicted tokens a shard has.
    package func tokenCount(ofShard shard: Int) -> Int {
        tokenOffsets[shards[shard].upperBound] - tokenOffsets[shards[shard].lowerBound]
    }
}

/// The directory of a reference table: a safetensors file a shard, and a manifest of those that are whole.
///
/// A file has `logps`, float64 `[pairs, 2]`, the sums of the chosen and of the rejected response (`[examples, 1]` of
/// examples with one response); and where they were asked for `token_logps` and `entropies`, float32 `[tokens]`, of the
/// chosen and then the rejected response of each pair.
package struct ReferenceShards: Sendable {
    package let directory: URL
    package let layout: ReferenceLayout
    package let columns: ReferenceColumns

    package init(_ directory: URL, _ layout: ReferenceLayout, _ columns: ReferenceColumns) {
        (self.directory, self.layout, self.columns) = (directory, layout, columns)
    }

    package func url(ofShard shard: Int) -> URL { directory.appending(path: Self.name(shard)) }

    private static func name(_ shard: Int) -> String {
        let digits = String(shard)
        return "shard-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".safetensors"
    }

    /// Whether a table was begun here, whatever is left of it.
    package var isThere: Bool { FileManager.default.fileExists(atPath: directory.path) }

    /// The shards that are not on the disk as the manifest has them, or lack a column; none of a whole table.
    package func missing() -> [Int] {
        let entries = Manifest.entries(of: directory)
        return layout.shards.indices.filter { shard in
            let file = url(ofShard: shard)
            guard let entry = entries[file.path], (try? Manifest.Entry(of: file, expecting: entry.size)) == entry,
                let opened = try? SafetensorsFile(file)
            else { return true }
            return !holdsColumns(opened, shard)
        }
    }

    /// Makes the directory for a table of `key`, if it is not that already; shards that are there stay.
    ///
    /// - Throws: ``RunError/cannotWrite(_:reason:)``
    package func prepare(for key: ReferenceKey) throws {
        guard !key.matches(directory) || Manifest.entries(of: directory).isEmpty else { return }
        do {
            try? FileManager.default.removeItem(at: directory)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try Data(key.text.utf8).write(to: directory.appending(path: ReferenceKey.fileName))
            try Manifest.write(for: directory)
            try DurableFiles.flush(directory)
        } catch {
            throw RunError.writing(directory, failed: error)
        }
    }

    /// Opens a shard.
    ///
    /// - Throws: ``RunError/other(_:)`` where it is not what was written.
    package func open(_ shard: Int) throws -> SafetensorsFile {
        let file = try SafetensorsFile(url(ofShard: shard))
        guard holdsColumns(file, shard) else {
            throw RunError.other("\(file.url.path): is not of this data; delete \(directory.path) to compute it again")
        }
        return file
    }

    private func holdsColumns(_ file: SafetensorsFile, _ shard: Int) -> Bool {
        let logps = file.entries["logps"]
        return logps?.shape == [layout.shards[shard].count, layout.sums] && logps?.type == .float64
            && columns.names.allSatisfy { name in
                let entry = file.entries[name]
                return entry?.shape == [layout.tokenCount(ofShard: shard)] && entry?.type == .float32
            }
    }

    /// Writes a shard and takes it into the manifest; it counts from then on.
    ///
    /// - Parameter rows: Of all its pairs, in order.
    /// - Throws: ``RunError/cannotWrite(_:reason:)``
    package func write(_ rows: [ReferenceRow], shard: Int) throws {
        precondition(rows.count == layout.shards[shard].count, "\(rows.count) rows for \(layout.shards[shard])")
        let file = url(ofShard: shard)
        let temporary = directory.appending(path: ".\(file.lastPathComponent).partial")
        let sums = rows.flatMap { [$0.logps.chosen, $0.logps.rejected].prefix(layout.sums) }
        var tensors = [("logps", Tensor(sums, shape: [rows.count, layout.sums]))]
        for (column, name, values) in [
            (ReferenceColumns.tokenLogps, "token_logps", \ReferenceRow.tokenLogps),
            (.entropies, "entropies", \.entropies),
        ] where columns.contains(column) {
            tensors.append((name, Tensor(rows.flatMap { $0[keyPath: values] })))
        }
        do {
            try SafetensorsWriter.write(tensors, to: temporary)
            try DurableFiles.flush(entriesOf: temporary)
            try DurableFiles.rename(temporary, to: file)
            try Manifest.include(Self.name(shard), in: directory)
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw RunError.writing(file, failed: error)
        }
    }
}
