import Runs

/// Rank zero's part in an online stage: gathers a step's responses from the samplers and divides them over the learners.
///
/// A step goes out only when it is whole and in its own order, so what a learner gets does not depend on who was first.
package final class RolloutRouter: StageCoordinator {
    private let learners: [Int]
    private let division: RolloutDivision
    private let samplers: Int
    /// What has come of each step, a part a sampler.
    private var waiting: [Int: [[Rollout]]] = [:]

    /// - Parameters:
    ///   - learners: The workers that learn.
    ///   - samplers: How many workers draw a part of each step.
    ///   - division: How learners share a step.
    package init(learners: [Int], samplers: Int, _ division: RolloutDivision = .responses) {
        (self.learners, self.samplers, self.division) = (learners, samplers, division)
    }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        let step = try message.demand(RolloutMessage.self).step
        let batch = try RolloutBatch(bytes: message.bulk)
        waiting[step, default: []].append(batch.rollouts)
        guard let parts = waiting[step], parts.count == samplers else { return [] }
        waiting[step] = nil
        let whole = parts.flatMap(\.self)
        precondition(whole.count == batch.total, "\(whole.count) of \(batch.total) responses of step \(step)")
        let shares = RolloutBatch(total: batch.total, rollouts: whole).shares(over: learners.count, division)
        return try zip(learners, shares).map { learner, share in
            try Delivery(worker: learner, LearnMessage(step: step), bulk: share.bytes)
        }
    }

    package func finish() throws -> [String] { [] }
}
