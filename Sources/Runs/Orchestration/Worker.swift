import MPI
import Torch

/// A worker's loop: waits for orders and runs stages until the run is over.
package struct Worker {
    package let plan: RunPlan
    package let cluster: Cluster
    package let workers: Communicator
    package let link: any WorkerLink
    package let text: TextPipeline
    package let stopConditions: StopConditions
    package let tracer: Tracer

    package func run() throws -> RunEnding {
        var ending = RunEnding.done
        while true {
            let order = try tracer.measure(.waiting) { try link.nextOrder() }
            switch order.header {
            case .run(let index, let checkpoint, let done):
                let stage = plan.stages[index]
                let context = StageContext(
                    plan: plan, stage: stage, cluster: cluster, workers: workers, link: link, text: text,
                    checkpoint: checkpoint, done: done, stopMonitor: StopMonitor(stopConditions), tracer: tracer)
                if let stop = try reportingFailure({ try StageError.naming(stage) { try stopped(context) } }) {
                    ending = .stopped
                    try link.report(.stopped(step: stop.step, stop.reason))
                } else {
                    try link.report(.finished)
                }
            case .end: return ending
            case .stage, .save: throw UnexpectedOrder(order: order.header)
            }
        }
    }

    /// Lets rank zero tell what others may meet as well; this rank tells it itself should it not be ended by then.
    private func reportingFailure<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as StageError where !cluster.isAlone {
            if let failure = WorkerFailure(error, rank: cluster.control.rank) { try link.report(.failed(failure)) }
            throw error
        }
    }

    /// Runs a stage; where it was left for the run to stop says so to all workers, those that were through with it too.
    private func stopped(_ context: StageContext) throws -> StageStopped? {
        var stop: StageStopped?
        if context.isFirst { NonFiniteNote.remove(from: context.stage) }
        TorchRuntime.forgetPeak(of: plan.device)
        do {
            try tracer.measure(.stage, label: context.stage.name) {
                try context.stopTogether(over: workers, at: context.checkpoint)
                try context.stage.configuration.stage.run(on: context)
            }
        } catch let error as StageStopped {
            stop = error
        } catch {
            NonFiniteNote.leave(because: error, in: context.stage, rank: cluster.control.rank)
            throw error
        }
        // What the stage's models took is nothing to the next one's, of other sizes: the heap would keep it.
        TorchRuntime.releaseFreedMemory()
        // Nobody may read what the stage leaves before everybody is through.
        try tracer.measure(.waiting) { try workers.quietBarrier() }
        return try StageStopped.agreed(stop, over: workers)
    }
}
