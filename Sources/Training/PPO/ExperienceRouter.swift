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

    package func handle(_ parcel: Parcel<Report>, from worker: Int) throws -> [Delivery] {
        guard case .experience(let step) = parcel.header else { return [] }
        let batch = try ExperienceBatch(bytes: parcel.payload)
        waiting[step, default: []] += batch.experiences
        guard let whole = waiting[step], whole.count == batch.total else { return [] }
        waiting[step] = nil
        let shares = ExperienceBatch(total: batch.total, experiences: whole).shares(over: learners.count)
        return zip(learners, shares).map { learner, share in
            Delivery(worker: learner, parcel: Parcel(.learn(step: step), payload: share.bytes))
        }
    }

    package func finish() throws -> [String] { [] }
}
