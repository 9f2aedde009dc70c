import MPI
import Runs

/// The steps of a learner as rank zero sees them: responses come in, metrics and checkpoints go out.
package struct LearnerSteps {
    private let worker: OnlineWorker
    private let learner: any OnlineLearner
    private let learners: Communicator
    private let reports: Bool

    /// - Parameter reports: Whether this learner speaks and writes for all.
    package init(
        _ worker: OnlineWorker, _ learner: any OnlineLearner, _ learners: Communicator, reports: Bool
    ) {
        (self.worker, self.learner, self.learners, self.reports) = (worker, learner, learners, reports)
    }

    private var context: StageContext { worker.context }

    /// Waits for this learner's share of a step's responses.
    package func receive(_ step: Int) throws -> RolloutBatch {
        let (order, bulk) = try context.link.next(LearnMessage.self)
        precondition(order.step == step, "expected step \(step), got \(order.step)")
        return try RolloutBatch(bytes: bulk)
    }

    /// Learns from a step's responses, which are waited for where they are not here yet.
    package func learn(_ step: Int, from received: RolloutBatch?) throws {
        let batch = try received ?? context.tracer.measure(.waiting) { try receive(step) }
        let start = ContinuousClock.now
        for rollout in batch.rollouts where !(step - worker.staleness...step).contains(rollout.version) {
            throw RunError.other(
                "\(context.stage.name): a response of step \(step) comes from policy version \(rollout.version), older "
                    + "than max_staleness \(worker.staleness) allows")
        }
        for rollout in batch.rollouts where rollout.scoreVersion != worker.settings.scoreVersion(after: rollout.version)
        {
            throw RunError.other(
                "\(context.stage.name): a response of step \(step) was scored by version \(rollout.scoreVersion) of the reward "
                    + "model, not by \(worker.settings.scoreVersion(after: rollout.version))")
        }
        var metrics = try context.tracer.measure(.step, number: step + 1) { try learner.learn(step: step, from: batch) }
        let now = ContinuousClock.now
        // As in TRL, though its steps are all full: what was learned from, and that as a share of the data.
        let prompts = worker.order.examplesTaken(by: step + 1)
        metrics["episode"] = Double(prompts * worker.settings.rollouts.nSamplesPerPrompt)
        metrics["epoch"] = Double(prompts) / Double(worker.order.count)
        metrics[worker.settings.timing] = start.duration(to: now).seconds
        metrics.merge(context.tracer.takeTimings(worker.samples ? .ppo : .offline))
        metrics.merge(context.cardMemory)
        if reports { try context.link.report(.step(step + 1, metrics)) }
    }

    /// Saves the state after `step` steps; all learners call this.
    ///
    /// - Parameter share: This learner's share of the next step's responses, where they were drawn already.
    package func save(step: Int, inFlight share: RolloutBatch?) throws {
        let whole = try share.flatMap { share in
            try learners.gather(share.bytes, root: 0)?.map { try RolloutBatch(bytes: $0).rollouts }
                .joined()
        }
        let checkpoint = OnlineCheckpoint(learner, models: context.models, text: context.text)
        guard reports else { return try checkpoint.send() }
        let batch = whole.map { rollouts in
            // Learners that each hold the whole step hold the same.
            let once = Dictionary(rollouts.map { ($0.stepIndex, $0) }) { first, _ in first }
            return RolloutBatch(total: once.count, rollouts: once.values.sorted { $0.stepIndex < $1.stepIndex })
        }
        try context.save(step: step) { directory, metrics in
            try checkpoint.write(to: directory, learner.state(step: step, metrics: metrics), inFlight: batch)
        }
    }
}
