import MPI
import PreferenceData
import Runs
import Torch
import Transformers

/// The log-probabilities of a pair's responses under the reference, summed over their tokens.
package struct ReferenceLogps: Equatable, Sendable {
    package var chosen: Double
    package var rejected: Double

    package init(chosen: Double, rejected: Double) {
        (self.chosen, self.rejected) = (chosen, rejected)
    }

    /// The sums of pairs on this process.
    ///
    /// - Parameter goesOn: Asked before each micro-batch; `false` leaves out the rest.
    package static func sums(
        of pairs: [TokenizedPair], under model: DecoderModel, maxTokens: Int,
        while goesOn: () -> Bool = { true }
    ) -> [(index: Int, logps: ReferenceLogps)] {
        withoutGradients {
            ResponseBatch.microBatches(pairs, maxTokens: maxTokens).flatMap { batch in
                guard goesOn() else { return [(index: Int, logps: ReferenceLogps)]() }
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

extension StageContext {
    /// Computes those of all pairs, each worker a share, and gives everybody all of them by the pair's index.
    ///
    /// - Throws: ``StageStopped`` on all workers where the run is to stop; ``ModelOutputError`` on the worker that finds a
    ///   sum that is not finite.
    package func referenceLogps(
        of pairs: [TokenizedPair], under model: DecoderModel, named name: String, maxTokens: Int
    ) throws -> [Int: ReferenceLogps] {
        let mine = workers.share(of: pairs) { $0 }
        let sums = try interruptible {
            ReferenceLogps.sums(of: mine, under: model, maxTokens: maxTokens, while: $0)
        }
        var writer = ByteWriter()
        for (index, logps) in sums {
            if let sum = [logps.chosen, logps.rejected].first(where: { !$0.isFinite }) {
                throw ModelOutputError("reference \(name): the log-probability of a response of pair \(index)", sum)
            }
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
}
