import Runs

/// Which workers learn and which sample in an online stage.
///
/// Split: the first `learners` workers learn, the others sample. Colocated: every worker does both. A worker alone does
/// both whatever was asked for.
package struct OnlinePlacement: Equatable {
    /// Indices of the workers that learn; the first of them speaks and writes for all.
    package let learners: [Int]
    /// Indices of the workers that sample.
    package let rollouts: [Int]

    /// Whether every worker has both roles.
    package var isColocated: Bool { learners == rollouts }

    package init(_ options: PlacementOptions, workerCount: Int) {
        if options.placement == .colocated || workerCount == 1 {
            learners = Array(0..<workerCount)
            rollouts = learners
        } else {
            learners = Array(0..<min(options.learners, workerCount - 1))
            rollouts = Array(learners.count..<workerCount)
        }
    }

    /// Checks that there are workers for the roles asked for.
    ///
    /// - Throws: ``RunError/tooFewRanks(stage:learners:ranks:)``
    package static func check(_ options: PlacementOptions, stage: String, workerCount: Int, ranks: Int) throws {
        guard options.placement == .split, options.learners > 1 || workerCount > 1 else { return }
        guard options.learners < workerCount else {
            throw RunError.tooFewRanks(stage: stage, learners: options.learners, ranks: ranks)
        }
    }
}
