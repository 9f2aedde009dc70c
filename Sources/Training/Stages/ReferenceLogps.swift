import MPI
import PreferenceData
import Torch
import Transformers

/// The log-probabilities of a pair's responses under the reference, summed over their tokens.
package struct ReferenceLogps: Equatable, Sendable {
    package var chosen: Double
    package var rejected: Double

    package init(chosen: Double, rejected: Double) {
        (self.chosen, self.rejected) = (chosen, rejected)
    }

    /// Computes those of all pairs, each worker a share, and gives everybody all of them by the pair's index.
    static func all(
        of pairs: [TokenizedPair], under model: Transformers.Decoder, maxTokens: Int, over workers: Communicator
    ) throws -> [Int: ReferenceLogps] {
        let mine = workers.share(of: pairs) { $0 }
        var writer = ByteWriter()
        for (index, logps) in sums(of: mine, under: model, maxTokens: maxTokens) {
            writer.write(index)
            writer.write(logps.chosen)
            writer.write(logps.rejected)
        }
        var all: [Int: ReferenceLogps] = [:]
        for bytes in try workers.allGather(writer.bytes) {
            var reader = ByteReader(bytes)
            while !reader.rest.isEmpty {
                let index = try reader.read(Int.self)
                all[index] = ReferenceLogps(
                    chosen: try reader.read(Double.self), rejected: try reader.read(Double.self))
            }
        }
        return all
    }

    /// The sums of pairs on this process.
    package static func sums(
        of pairs: [TokenizedPair], under model: Transformers.Decoder, maxTokens: Int
    ) -> [(index: Int, logps: ReferenceLogps)] {
        withoutGradients {
            ResponseBatch.microBatches(pairs, maxTokens: maxTokens).flatMap { batch in
                let logps = model.tokenLogps(batch.rows, predictions: batch.predictions).logps
                let sums = logps.summed(
                    intoGroups: Tensor(indices: batch.predictions.sequences), count: batch.sequenceCount
                ).doubles()
                return batch.indices.enumerated().map { place, index in
                    (index, ReferenceLogps(chosen: sums[2 * place], rejected: sums[2 * place + 1]))
                }
            }
        }
    }
}
