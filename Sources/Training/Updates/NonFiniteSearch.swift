import Foundation
import MPI
import PreferenceData
import Runs
import Torch

extension RunError {
    /// Checks that the weights are numbers after a stage's last update, which all ranks find alike.
    ///
    /// - Throws: ``RunError/notFinite(stage:step:what:teller:canSkip:)``
    package static func check(
        _ parameters: ParameterStore, after step: Int, of stage: String, over communicator: Communicator
    ) throws {
        guard !parameters.isFinite else { return }
        throw RunError.notFinite(
            stage: stage, step: step, what: "a weight that its update left", teller: communicator.worldRanks[0])
    }
}

/// Finds what made a step's loss or gradient not finite, by computing its micro-batches once more, one at a time.
package struct NonFiniteSearch {
    /// The parameters whose gradients count; all are cleared.
    package let parameters: [ParameterStore]
    package let communicator: Communicator

    package init(parameters: [ParameterStore], communicator: Communicator) {
        (self.parameters, self.communicator) = (parameters, communicator)
    }

    /// The first micro-batch of any rank whose loss or gradient is not finite, in words; the same on all ranks, which call
    /// this together.
    ///
    /// - Parameters:
    ///   - losses: of a micro-batch, each computed when its turn comes, with gradients.
    ///   - name: what an index of a micro-batch is called outside.
    package func cause(
        in microBatches: [ResponseBatch], examples: String, losses: (ResponseBatch) -> [() -> Tensor],
        name: (Int) -> String
    ) throws -> String {
        let mine = finding(in: microBatches, losses).map { finding in
            let batch = microBatches[finding.index]
            let shown = batch.indices.prefix(4).map(name) + (batch.indices.count > 4 ? ["..."] : [])
            return "the \(finding.what) of micro-batch \(finding.index + 1) of \(microBatches.count) on rank "
                + "\(communicator.worldRanks[communicator.rank]) (\(examples) \(shown.joined(separator: ", ")))"
        }
        let all = try communicator.allGather(Array((mine ?? "").utf8)).map { String(decoding: $0, as: UTF8.self) }
        return all.first { !$0.isEmpty } ?? "the sum of the gradients of all micro-batches"
    }

    private func finding(
        in microBatches: [ResponseBatch], _ losses: (ResponseBatch) -> [() -> Tensor]
    ) -> (what: String, index: Int)? {
        defer { clear() }
        for (index, batch) in microBatches.enumerated() {
            clear()
            for loss in losses(batch) {
                let loss = loss()
                guard loss.detached().item().isFinite else { return ("loss", index) }
                loss.backward()
            }
            if parameters.contains(where: { !$0.gradientNorm().isFinite }) { return ("gradient", index) }
        }
        return nil
    }

    private func clear() {
        for store in parameters { store.clearGradients() }
    }
}
