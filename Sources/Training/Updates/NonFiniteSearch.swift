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
    /// Whose gradients count; all are cleared.
    package let updaters: [ParameterUpdater]
    package let communicator: Communicator

    package init(updaters: [ParameterUpdater], communicator: Communicator) {
        (self.updaters, self.communicator) = (updaters, communicator)
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
        // A rank without a micro-batch may hold its part of what others found.
        for updater in updaters { updater.clearGradients() }
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
        for (index, batch) in microBatches.enumerated() {
            var isFinite = true
            let passes = {
                for loss in losses(batch) where isFinite {
                    let loss = loss()
                    isFinite = loss.detached().item().isFinite
                    if isFinite { loss.backward() }
                }
            }
            let areFinite = areGradientsFinite(of: updaters[...], after: passes)
            if !isFinite { return ("loss", index) }
            if !areFinite { return ("gradient", index) }
        }
        return nil
    }

    private func areGradientsFinite(of updaters: ArraySlice<ParameterUpdater>, after passes: () -> Void) -> Bool {
        guard let first = updaters.first else {
            passes()
            return true
        }
        var areOthers = true
        let isFirst = first.areGradientsFinite {
            areOthers = areGradientsFinite(of: updaters.dropFirst(), after: passes)
        }
        return isFirst && areOthers
    }
}
