import Foundation
import MPI
import PreferenceData

/// What a worker has at hand while it runs a stage.
struct StageContext {
    let plan: RunPlan
    let stage: PlannedStage
    let cluster: Cluster
    /// Every worker.
    let workers: Communicator
    let link: any WorkerLink
    let text: TextPipeline
    /// The step of the checkpoint to go on from.
    let checkpoint: Int?
    /// Where this worker's time goes.
    let tracer: Tracer

    var configuration: RunConfiguration { plan.configuration }

    /// Whether this worker speaks and writes for all.
    var isFirst: Bool { workers.rank == 0 }

    /// The seed of this stage's random streams.
    var seed: UInt64 {
        var random = SplitMix64(UInt64(configuration.seed), UInt64(stage.index))
        return random.next()
    }

    /// Models, by what the configuration calls them.
    var models: ModelStore { ModelStore(plan) }

    /// Data, by what the configuration calls it.
    var data: DataStore { DataStore(plan, text) }

    /// The stage's checkpoints.
    var checkpoints: CheckpointStore {
        CheckpointStore(stage.directory, limit: configuration.saveTotalLimit)
    }

    /// Writes the checkpoint of a step.
    func writeCheckpoint(step: Int, _ body: (URL) throws -> Void) throws {
        try tracer.measure(.checkpoint, number: step) { try checkpoints.write(step: step, body) }
    }

    /// Tells the person who watches something, once.
    func note(_ line: String) throws {
        if isFirst { try link.report(.note("  \(stage.name): \(line)")) }
    }

    /// Announces the stage, once.
    func begin(total: Int?, unit: String, step: Int = 0) throws {
        tracer.clearTimings()
        if isFirst { try link.report(.began(total: total, unit: unit, step: step)) }
    }

    /// Runs the stage on this worker.
    func run() throws {
        switch stage.configuration.options {
        case .sft(let options): try runSFT(options)
        case .reward(let options): try runReward(options)
        case .dpo(let options): try runDPO(options)
        case .split(let options): try runSplit(options)
        case .sample(let options): try runSample(options)
        case .evaluate(let options): try runEvaluate(options)
        case .ppo(let options): try runPPO(options)
        }
    }
}
