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
    /// - Throws: ``ConfigurationError``
    package static func check(_ options: PlacementOptions, at start: StageStart) throws {
        guard options.placement == .split, options.learners > 1 || start.workers > 1 else { return }
        guard options.learners < start.workers else {
            let (own, ofRun) = ("\(start.name).learners", "learners")
            throw start.configuration.error(
                at: start.configuration.origins[own] == nil ? ofRun : own,
                "\(options.learners) learners and a rollout worker need \(options.learners + 2) ranks, but there are "
                    + "\(start.ranks)",
                remedy: "start more, lower learners, or write placement: colocated")
        }
    }
}

extension PlacementOptions {
    /// What is said where a number of learners was given that nothing asks for.
    var unusedLearners: String? {
        placement == .colocated && learners != Self().learners
            ? "learners \(learners) is not read: with placement colocated every worker learns and draws" : nil
    }
}
