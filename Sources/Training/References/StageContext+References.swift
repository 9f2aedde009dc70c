import Foundation
import MPI
import PreferenceData
import Runs
import Torch
import Transformers

/// A frozen model that is loaded once it is asked, and freed with this.
package final class FrozenModel {
    package let reference: ArtifactReference
    private let load: () throws -> DecoderModel
    private var loaded: DecoderModel?

    package init(_ reference: ArtifactReference, load: @escaping () throws -> DecoderModel) {
        (self.reference, self.load) = (reference, load)
    }

    package func model() throws -> DecoderModel {
        if let loaded { return loaded }
        let model = try load()
        loaded = model
        return model
    }
}

extension StageContext {
    /// A frozen model of this stage.
    package func frozen(_ reference: ArtifactReference) -> FrozenModel {
        FrozenModel(reference) { try models.load(reference, head: .languageModel, training: .none, seed: seed) }
    }

    /// Throws what all workers have found alike, on the first alone: the job's end, which follows, is told once.
    package func checkTogether(_ failure: (any Error)?) throws {
        guard let failure else { return }
        if isFirst { throw failure }
        try workers.quietBarrier()
    }

    /// What a frozen model says of `pairs`: read from where this stage or an earlier one left it, else computed, each worker
    /// a share, and left in the stage's directory. All workers call this together.
    ///
    /// - Parameters:
    ///   - pairs: Pairs, or examples with one response.
    ///   - given: Sums that came with the data, which are taken after a look at a few of them.
    ///   - noun: What one of `pairs` is called.
    /// - Throws: ``StageStopped`` on all workers where the run is to stop; ``ModelOutputError`` on the worker that finds a
    ///   number that is not finite.
    package func referenceTable(
        of frozen: FrozenModel, for pairs: [some PackableExample], _ columns: ReferenceColumns = [],
        given: GivenReferenceLogps = GivenReferenceLogps(), noun: String = "pair", maxTokens: Int
    ) throws -> ReferenceTable {
        guard !pairs.isEmpty else { return ReferenceTable([]) }
        let layout = ReferenceLayout(pairs)
        let found = try FoundTable(
            decoding: try workers.broadcast(
                isFirst
                    ? try findTable(
                        of: frozen, for: pairs, layout, columns, given, maxTokens: maxTokens
                    ).encoded() : [], root: 0))
        let shards = ReferenceShards(URL(filePath: found.path), layout, columns)
        if found.missing.isEmpty {
            try note(
                "log-probabilities under reference \(frozen.reference) are read from \(name(of: shards.directory)), of "
                    + "\(pairs.count) \(noun)s")
        } else if given.logps.isEmpty {
            // Asked only now: a table that is whole needs no model.
            let model = try frozen.model()
            let left = found.missing.reduce(0) { $0 + layout.shards[$1].count }
            try note("asks reference \(frozen.reference) about \(left) of \(pairs.count) \(noun)s")
            let pass = ReferencePass(
                over: workers, maxTokens: maxTokens, named: frozen.reference.description, noun: noun
            ) {
                ReferenceRow.rows(of: $0, under: model, columns)
            }
            var done = 0
            try pass.fill(found.missing, of: shards, with: pairs) { share in
                try interruptible(share)
            } afterwards: { count in
                done += count
                if done < left { try note("reference \(frozen.reference) was asked about \(done) of \(left) \(noun)s") }
            }
        } else {
            try note("log-probabilities under reference \(frozen.reference) are taken from the data")
            if isFirst { try write(given, of: pairs, under: frozen, to: shards, maxTokens: maxTokens) }
            try workers.quietBarrier()
        }
        return try ReferenceTable(shards, of: pairs)
    }

    /// Finds the directory of a table, and what it lacks: the stage's own, or that of an earlier stage which lacks nothing.
    private func findTable(
        of frozen: FrozenModel, for pairs: [some PackableExample], _ layout: ReferenceLayout,
        _ columns: ReferenceColumns,
        _ given: GivenReferenceLogps, maxTokens: Int
    ) throws -> FoundTable {
        let files = (try? RunState.read(from: plan.directory))?.identity.inputs.flatMap(\.files) ?? []
        let key = ReferenceKey(
            model: try models.identity(
                of: frozen.reference,
                knowing: Dictionary(files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })),
            fingerprint: TokenizedDataset(examples: pairs).fingerprint, pairs: pairs.count,
            maxTokens: maxTokens, given: given.logps.isEmpty ? nil : given.fingerprint)
        for earlier in plan.stages[...stage.index].reversed() {
            let directory = earlier.directory.appending(path: key.directoryName)
            guard key.matches(directory), ReferenceShards(directory, layout, columns).missing().isEmpty else {
                continue
            }
            return FoundTable(path: directory.path, missing: [])
        }
        let own = ReferenceShards(stage.directory.appending(path: key.directoryName), layout, columns)
        if own.isThere {
            let damaged = own.missing().count { FileManager.default.fileExists(atPath: own.url(ofShard: $0).path) }
            if damaged > 0 || !key.matches(own.directory) {
                try note("\(name(of: own.directory)) is not as it was written; what is damaged is computed anew")
            }
        }
        try own.prepare(for: key)
        return FoundTable(path: own.directory.path, missing: own.missing())
    }

    /// Checks sums that came with the data on a few pairs and writes them as a table.
    private func write(
        _ given: GivenReferenceLogps, of pairs: [some PackableExample], under frozen: FrozenModel,
        to shards: ReferenceShards,
        maxTokens: Int
    ) throws {
        // The longest are those that other lengths would have cut.
        let longest = pairs.indices.sorted { (pairs[$1].tokenCount, $0) < (pairs[$0].tokenCount, $1) }.prefix(3)
        let numbers = Set(given.checkedNumbers).union(longest).sorted()
        let sums = ReferenceLogps.sums(of: numbers.map { pairs[$0] }, under: try frozen.model(), maxTokens: maxTokens)
        let byIndex = ReferenceTable(sums)
        for number in numbers {
            guard let logps = byIndex[pairs[number].index] else { continue }
            try given.check(logps, at: number, named: frozen.reference.description)
        }
        for (shard, range) in shards.layout.shards.enumerated() {
            try shards.write(
                range.map { ReferenceRow(index: pairs[$0].index, logps: given.logps[$0]) }, shard: shard)
        }
    }

    /// A directory by its path from the run's.
    private func name(of directory: URL) -> String {
        directory.pathComponents.suffix(3).joined(separator: "/")
    }
}

/// Where a table lies, as the first worker tells the others.
private struct FoundTable {
    var path: String
    /// Shards that are to be computed.
    var missing: [Int]

    init(path: String, missing: [Int]) { (self.path, self.missing) = (path, missing) }

    init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        path = String(decoding: try reader.readArray(of: UInt8.self), as: UTF8.self)
        missing = try reader.readArray(of: Int.self)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Array(path.utf8))
        writer.write(missing)
        return writer.bytes
    }
}
