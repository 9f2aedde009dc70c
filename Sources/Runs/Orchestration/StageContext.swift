import Foundation
import MPI
import PreferenceData
import Torch
import Transformers

/// What a worker has at hand while it runs a stage.
package struct StageContext {
    package let plan: RunPlan
    package let stage: PlannedStage
    package let cluster: Cluster
    /// Every worker.
    package let workers: Communicator
    package let link: any WorkerLink
    package let text: TextPipeline
    /// The step of the checkpoint to go on from.
    package let checkpoint: Int?
    /// What an earlier start has done, in a stage that works on items rather than steps.
    package let done: Set<ItemKey>
    package let stopMonitor: StopMonitor
    /// Where this worker's time goes.
    package let tracer: Tracer
    /// The frozen weights that models of this worker share.
    package let bases = FrozenBases()

    package var configuration: RunConfiguration { plan.configuration }

    /// Whether this worker speaks and writes for all.
    package var isFirst: Bool { workers.rank == 0 }

    /// The seed of this stage's random streams.
    package var seed: UInt64 { plan.seed(of: stage) }

    /// Models, by what the configuration calls them.
    package var models: ModelStore {
        let configuration = stage.configuration
        return ModelStore(
            plan, configuration.stage.compute, adapter: configuration.stage.adapter,
            initial: configuration.initialModel,
            bases: bases)
    }

    /// Data, by what the configuration calls it.
    package var data: DataStore { DataStore(plan, text) }

    /// The stage's checkpoints.
    package var checkpoints: CheckpointStore {
        CheckpointStore(stage.directory, limit: configuration.saveTotalLimit)
    }

    /// The most that tensors of this stage took of this worker's card so far, and that was taken from it for them, by verl's
    /// names; nothing on the CPU.
    package var cardMemory: MetricValues {
        guard stage.configuration.stage.compute?.device != .cpu, let peak = TorchRuntime.peak(of: plan.device) else {
            return [:]
        }
        return [
            "perf/max_memory_allocated_gb": Double(peak.tensors) / 0x1p30,
            "perf/max_memory_reserved_gb": Double(peak.taken) / 0x1p30,
        ]
    }

    /// Tells the person who watches something, once.
    package func note(_ line: String) throws {
        if isFirst { try link.report(.note("  \(stage.name): \(line)")) }
    }

    /// Announces the stage, once.
    package func begin(total: Int?, unit: String, step: Int = 0) throws {
        stopMonitor.beginSteps()
        tracer.clearTimings()
        if isFirst { try link.report(.began(total: total, unit: unit, step: step)) }
    }

    /// Writes a checkpoint once rank zero has its metrics on disk, so that a resumed run misses none of them. Only the
    /// worker that speaks for all calls this.
    ///
    /// - Parameter best: The step of a checkpoint that is kept whatever the limit.
    package func save(
        step: Int, keeping best: Int? = nil, _ write: (_ directory: URL, _ metrics: MetricsState) throws -> Void
    ) throws {
        try link.report(.saving)
        let order = try link.nextOrder { if case .save = $0 { true } else { false } }
        guard case .save(let metrics) = order.header else { throw UnexpectedOrder(order: order.header) }
        try tracer.measure(.checkpoint, number: step) {
            try stopMonitor.measureSaving {
                try checkpoints.write(step: step, keeping: best) { try write($0, metrics) }
            }
        }
    }
}
