import Runs

/// Rank zero's part in an online stage: gathers a step's responses from the samplers and divides them over the learners.
///
/// A step goes out only when it is whole and in its own order, so what a learner gets does not depend on who was first.
package final class RolloutRouter: StageCoordinator {
    private let learners: [Int]
    private let division: RolloutDivision
    private var waiting: [Int: [Rollout]] = [:]

    /// - Parameters:
    ///   - learners: The workers that learn.
    ///   - division: How they share a step.
    package init(learners: [Int], _ division: RolloutDivision = .responses) {
        (self.learners, self.division) = (learners, division)
    }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        let step = try message.demand(RolloutMessage.self).step
        let batch = try RolloutBatch(bytes: message.bulk)
        waiting[step, default: []] += batch.rollouts
        guard let whole = waiting[step], whole.count == batch.total else { return [] }
        waiting[step] = nil
        let shares = RolloutBatch(total: batch.total, rollouts: whole).shares(over: learners.count, division)
        return try zip(learners, shares).map { learner, share in
            try Delivery(worker: learner, LearnMessage(step: step), bulk: share.bytes)
        }
    }

    package func finish() throws -> [String] { [] }
}
