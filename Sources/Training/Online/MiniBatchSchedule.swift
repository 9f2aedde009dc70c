import MPI
import Objectives
import PreferenceData
import Runs

/// How a learner's share of a step is gone through: by epoch, mini-batch (an optimizer step) and micro-batch.
///
/// Which responses a mini-batch has is a permutation of the step's indices, new each epoch and the same on every learner; each
/// learner takes those of them that are in its share, which may be none.
package struct MiniBatchSchedule {
    /// Micro-batches by epoch and mini-batch; indices are of the learner's share.
    package let epochs: [[[ResponseBatch]]]

    /// - Parameters:
    ///   - rollouts: The learner's share.
    ///   - total: Responses of the whole step.
    package init(
        _ rollouts: [Rollout], total: Int, epochs: Int, miniBatches: Int, maxTokens: Int, seed: UInt64, step: Int
    ) {
        let share = Dictionary(
            uniqueKeysWithValues: rollouts.enumerated().map { ($1.stepIndex, $0) })
        self.epochs = (0..<epochs).map { epoch in
            let order = permutation(count: total, seed: seed &+ UInt64(step), epoch: epoch)
            return (0..<miniBatches).map { number in
                let members = order[number * total / miniBatches..<(number + 1) * total / miniBatches]
                let mine = members.sorted().compactMap { share[$0] }
                return ResponseBatch.microBatches(
                    mine.map { rollouts[$0].example(index: $0) }, maxTokens: maxTokens)
            }
        }
    }

    /// What this learner has in each mini-batch, by epoch.
    ///
    /// - Parameters:
    ///   - counts: Whether a response, by its index in the share, counts.
    ///   - countsTokens: Whether its tokens do.
    package func counts(responses counts: (Int) -> Bool, tokens countsTokens: (Int) -> Bool) -> [[PolicyCounts]] {
        epochs.map { miniBatches in
            miniBatches.map { microBatches in
                microBatches.reduce(PolicyCounts(tokens: 0, responses: 0)) { sum, batch in
                    let sequences = batch.predictions.sequences
                    return PolicyCounts(
                        tokens: sum.tokens + sequences.count { countsTokens(batch.indices[Int($0)]) },
                        responses: sum.responses + batch.indices.count(where: counts))
                }
            }
        }
    }
}

extension [PolicyCounts] {
    /// What all learners have together.
    package func reduced(over learners: Communicator) throws -> [PolicyCounts] {
        let sums = try learners.allReduce(flatMap { [Int64($0.tokens), Int64($0.responses)] }, .sum)
        return indices.map { PolicyCounts(tokens: Int(sums[2 * $0]), responses: Int(sums[2 * $0 + 1])) }
    }
}
