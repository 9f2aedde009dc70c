import MPI
import Objectives
import PreferenceData
import Runs

/// One optimizer step on a batch that every worker knows, each taking its share of it.
package struct OfflineUpdate<Objective: OfflineObjective> {
    private let pass: OfflinePass<Objective>
    private let updater: ParameterUpdater
    private let stage: String
    private let seed: UInt64
    private let onNonFinite: NonFinitePolicy
    private let note: (String) throws -> Void

    /// - Parameters:
    ///   - stage: The name of the stage, for messages.
    ///   - seed: What an adapter's dropout is drawn from, with the number of the step.
    ///   - note: Is told of updates that are skipped.
    package init(
        _ pass: OfflinePass<Objective>, _ updater: ParameterUpdater, stage: String, seed: UInt64 = 0,
        onNonFinite: NonFinitePolicy, note: @escaping (String) throws -> Void
    ) {
        (self.pass, self.updater, self.stage, self.seed) = (pass, updater, stage, seed)
        (self.onNonFinite, self.note) = (onNonFinite, note)
    }

    /// Updates the model, or skips the update where a loss or gradient is not finite.
    ///
    /// - Parameters:
    ///   - planned: The number of the update among all, which the learning rate depends on; `step` where there is none.
    ///   - state: What the loss carries from update to update.
    /// - Throws: ``RunError/notFinite(stage:step:what:teller:canSkip:)``, on all workers alike.
    package func make(
        _ step: Int, at planned: Int? = nil, epoch: Int, _ batch: [Objective.Example], state: inout [Double]?,
        nonFinite: inout NonFiniteSteps
    ) throws -> MetricValues {
        var whole = try pass.step(over: batch, epoch: epoch, state: state)
        var noise = SplitMix64(seed, UInt64(step))
        whole.dropoutSeed = noise.next()
        whole.routing = try pass.routing(of: batch)
        let (sums, observations, routing) = try pass.accumulateGradients(
            over: batch, of: whole, backward: updater.backward)
        try updater.finishBackward()
        var metrics = try pass.tracer.collective(over: pass.workers) { try pass.reduced(sums, routing) }
        metrics["learning_rate"] = updater.schedule.rate(at: planned ?? step)
        // The reduced loss is the same on all ranks, as is the norm, so all take the same way.
        let update = metrics["loss"].map(\.isFinite) ?? true ? try updater.step(at: planned ?? step) : nil
        metrics["grad_norm"] = update?.gradientNorm ?? .nan
        if update != nil {
            nonFinite.passed()
            if let carried = state {
                state = pass.objective.state(after: try pass.workers.allReduce(observations, .sum), from: carried)
            }
        } else {
            let cause = try NonFiniteSearch(updaters: [updater], communicator: pass.workers).cause(
                in: pass.microBatches(of: batch), examples: "examples",
                losses: { [whole] batch in [{ pass.loss(of: batch, whole).value }] },
                name: pass.objective.name(ofExample:))
            try nonFinite.met(
                cause, stage: stage, step: step + 1, policy: onNonFinite, finders: pass.workers, note: note)
        }
        return metrics
    }
}
