import PreferenceData

/// Rank zero's part in PPO: gathers a step's responses from the samplers and divides them over the learners by tokens.
///
/// A step goes out only when it is whole and in its own order, so what a learner gets does not depend on who was first.
final class ExperienceRouter: StageCoordinator {
    private let learners: [Int]
    private var waiting: [Int: [Experience]] = [:]

    /// - Parameter learners: The workers that learn.
    init(learners: [Int]) {
        self.learners = learners
    }

    func handle(_ parcel: Parcel<Report>, from worker: Int) throws -> [Delivery] {
        guard case .experience(let step) = parcel.header else { return [] }
        let batch = try ExperienceBatch(bytes: parcel.payload)
        waiting[step, default: []] += batch.experiences
        guard let whole = waiting[step], whole.count == batch.total else { return [] }
        waiting[step] = nil
        return divide(whole.sorted { $0.place < $1.place }, of: step)
    }

    func finish() throws -> [String] { [] }

    private func divide(_ experiences: [Experience], of step: Int) -> [Delivery] {
        let shares = TokenBalancer.share(experiences.map(\.tokenCount), over: learners.count)
        return zip(learners, shares).map { learner, share in
            let batch = ExperienceBatch(total: experiences.count, experiences: share.map { experiences[$0] })
            return Delivery(worker: learner, parcel: Parcel(.learn(step: step), payload: batch.bytes))
        }
    }
}
