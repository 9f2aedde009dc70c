import PreferenceData
import Runs
import Training

/// How a learner's share of a step is gone through: by epoch, mini-batch (an optimizer step) and micro-batch.
///
/// Which responses a mini-batch has is a permutation of the step's places, new each epoch and the same on every learner; each
/// learner takes those of them that are in its share, which may be none.
package struct MiniBatchSchedule {
    /// Micro-batches by epoch and mini-batch; indices are places in the learner's share.
    package let epochs: [[[ResponseBatch]]]

    /// - Parameters:
    ///   - trajectories: The learner's share.
    ///   - total: Responses of the whole step.
    package init(
        _ trajectories: [Trajectory], total: Int, epochs: Int, miniBatches: Int, maxTokens: Int, seed: UInt64, step: Int
    ) {
        let share = Dictionary(
            uniqueKeysWithValues: trajectories.enumerated().map { ($1.experience.place, $0) })
        self.epochs = (0..<epochs).map { epoch in
            let order = permutation(count: total, seed: seed &+ UInt64(step), epoch: epoch)
            return (0..<miniBatches).map { number in
                let places = order[number * total / miniBatches..<(number + 1) * total / miniBatches]
                let mine = places.sorted().compactMap { share[$0] }
                return ResponseBatch.microBatches(
                    mine.map { trajectories[$0].example(index: $0) }, maxTokens: maxTokens)
            }
        }
    }

    /// This learner's response tokens in each mini-batch, by epoch.
    package func responseTokens(of trajectories: [Trajectory]) -> [[Int64]] {
        epochs.map { miniBatches in
            miniBatches.map { microBatches in
                microBatches.reduce(0) { $0 + Int64($1.predictions.count) }
            }
        }
    }
}
