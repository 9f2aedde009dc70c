import Foundation
import Torch

extension DecoderModel {
    /// Draws an adapter that changes nothing yet: A uniformly within 1 / √inputs, B zero, the lengths of rows those of the
    /// weights, and what is trained whole as the base has it. What a parameter gets is a function of the seed and its name alone.
    public func initializeAdapter(seed: UInt64) {
        guard let adapter, let base else { preconditionFailure("a model without an adapter") }
        for module in adapter.modules {
            let bound = 1 / Double(module.inputs).squareRoot()
            parameters[module.down].fillUniform(-bound...bound, seed: Self.seed(seed, module.down))
            parameters[module.up].fill(0)
        }
        for declaration in adapter.saved {
            parameters[declaration.name].copy(from: base.parameter(declaration.name))
        }
        for linear in layers.flatMap(\.projections) {
            guard let adapter = linear.adapter, let magnitude = adapter.magnitude else { continue }
            withoutGradients { magnitude.copy(from: adapter.rowLengths(beside: linear.weight.matrix)) }
        }
        if head == .score { initializeScoreHead(seed: seed) }
    }

    /// Writes the adapter as PEFT does: a directory that loads in PEFT, and in ``ModelDirectory``. Tokenizer files are the
    /// caller's to add.
    public func saveAdapter(to directory: URL) throws {
        guard let base else { preconditionFailure("a model without an adapter") }
        try AdapterDirectory.save(self, base: base.directory.url.standardizedFileURL.path, to: directory)
    }

    /// What passes over rows leave out of the adapter's inputs, where they do.
    ///
    /// The noise of a row comes from the tokens of its sequence up to its own, so neither batches nor ranks change it.
    func dropout(in rows: PackedRows) -> LowRankDropout? {
        guard let share = adapter?.configuration.dropout, share > 0, let dropoutSeed else { return nil }
        let streams = rows.prefixHashes(startingFrom: dropoutSeed).map { Int64(bitPattern: $0) }
        return LowRankDropout(share: share, streams: Tensor(streams, on: placement.device))
    }
}

extension PackedRows {
    /// Of each row a hash over the tokens of its sequence from the first to its own.
    func prefixHashes(startingFrom seed: UInt64) -> [UInt64] {
        var hashes: [UInt64] = []
        hashes.reserveCapacity(count)
        for segment in segments {
            var hash = segment.prefix.isEmpty ? seed : hashes[segment.prefix.upperBound - 1]
            for token in tokens[segment.rows] {
                hash = (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x9e37_79b9_7f4a_7c15
                hash ^= hash >> 29
                hashes.append(hash)
            }
        }
        return hashes
    }
}
