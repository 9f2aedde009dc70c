import PreferenceData
import Runs

extension StagePlanner {
    /// Who learns and who samples in an online stage, and what each holds.
    ///
    /// - Parameter sampler: Of a colocated rank, all that it holds as a learner too.
    package func roles(
        _ placement: OnlinePlacement, learner: MemoryEstimate, sampler: MemoryEstimate
    ) -> [StageForecast.Role] {
        guard !placement.isColocated else { return workers("learner and sampler", sampler) }
        return [
            StageForecast.Role(name: "learner", ranks: ranks(placement.learners), memory: learner),
            StageForecast.Role(name: "rollout", ranks: ranks(placement.rollouts), memory: sampler),
        ]
    }
}

extension RolloutStepOptions {
    /// Steps of a stage that has so many prompts; `nil` for none.
    package func steps(ofPrompts count: Int) throws -> Int? {
        guard count > 0 else { return nil }
        return steps(in: try DataOrder(count: count, batchSize: rolloutBatchSize, seed: 0))
    }
}
