import Runs
import Training

/// Rank zero's part in PPO: gathers a step's responses from the samplers and divides them over the learners by tokens.
///
/// A step goes out only when it is whole and in its own order, so what a learner gets does not depend on who was first.
package final class ExperienceRouter: StageCoordinator {
    private let learners: [Int]
    private var waiting: [Int: [Experience]] = [:]

    /// - Parameter learners: The workers that learn.
    package init(learners: [Int]) {
        self.learners = learners
    }

    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        guard let step = try message.read(ExperienceMessage.self)?.step else { return [] }
        let batch = try ExperienceBatch(bytes: message.bulk)
        waiting[step, default: []] += batch.experiences
        guard let whole = waiting[step], whole.count == batch.total else { return [] }
        waiting[step] = nil
        let shares = ExperienceBatch(total: batch.total, experiences: whole).shares(over: learners.count)
        return try zip(learners, shares).map { learner, share in
            try Delivery(worker: learner, LearnMessage(step: step), bulk: share.bytes)
        }
    }

    package func finish() throws -> [String] { [] }
}

/// A sampler has drawn its part of a step; the bulk is an ``ExperienceBatch``.
package struct ExperienceMessage: StageMessage {
    package static let kind = "experience"
    package let step: Int

    package init(step: Int) { self.step = step }
}

/// A learner is to learn from its share of a step; the bulk is an ``ExperienceBatch``.
package struct LearnMessage: StageMessage {
    package static let kind = "learn"
    package let step: Int

    package init(step: Int) { self.step = step }
}
