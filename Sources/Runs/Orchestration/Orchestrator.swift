import Foundation
import MPI

/// Rank zero's part: sequences the stages, routes what workers send, and owns the run directory.
///
/// It is a machine that answers reports with orders and never computes on tensors, so one process can be orchestrator and
/// worker at once, and a rank of its own only waits for messages.
package final class Orchestrator {
    private let plan: RunPlan
    private let workerCount: Int
    private let log: RunLog
    private var state: RunState
    private var stage: Int?
    private var coordinator: (any StageCoordinator)?
    private var finishedWorkers: Set<Int> = []

    /// - Parameter state: What an earlier start of the run has done already.
    package init(plan: RunPlan, state: RunState, workerCount: Int, log: RunLog) {
        self.plan = plan
        self.state = state
        self.workerCount = workerCount
        self.log = log
    }

    /// How the run ended; `nil` while it goes on.
    package private(set) var ending: RunEnding?

    /// The first orders.
    package func start() throws -> [Delivery] { try beginNextStage() }

    /// Takes note of a report and gives the orders that follow from it.
    package func handle(_ parcel: Parcel<Report>, from worker: Int) throws -> [Delivery] {
        guard let stage, let coordinator else { preconditionFailure("a report from worker \(worker) between stages") }
        switch parcel.header {
        case .began(let total, let unit, let step):
            log.begin(plan.stages[stage], total: total, unit: unit, step: step)
        case .step(let step, let metrics):
            try log.record(step: step, metrics: metrics, of: plan.stages[stage])
        case .advanced(let count): log.advance(by: count)
        case .note(let text): log.note(text)
        case .saving:
            return [Delivery(worker: worker, parcel: Parcel(.save(try log.synchronizedState())))]
        case .stopped(let step, let reason):
            finishedWorkers.insert(worker)
            return finishedWorkers.count == workerCount ? try stop(plan.stages[stage], step, reason) : []
        case .finished:
            finishedWorkers.insert(worker)
            return finishedWorkers.count == workerCount ? try finishStage() : []
        case .failed(let failure): throw failure
        case .stage(let kind):
            return try coordinator.handle(StageParcel(kind: kind, payload: parcel.payload), from: worker)
        }
        return []
    }

    /// Drives the workers of other ranks until the run is over.
    package func run(over cluster: Cluster, watch: StallWatch, _ tracer: Tracer) throws -> RunEnding {
        try deliver(try start(), over: cluster)
        while true {
            if let ending {
                try cluster.control.flush()
                return ending
            }
            try StageError.naming(stage.map { plan.stages[$0] }) {
                let message = try tracer.measure(.waiting) {
                    try cluster.control.receive(tag: MessageTag.report) { _ in try self.look(at: watch) }
                }
                let worker = cluster.worker(atRank: message.source)
                try tracer.measure(.routing) {
                    try deliver(try handle(try Parcel(decoding: message.bytes), from: worker), over: cluster)
                }
            }
            watch.reset()
        }
    }

    private func look(at watch: StallWatch) throws {
        log.tick()
        if let line = try watch.check() {
            log.note("mpo: warning: stage \(stage.map { plan.stages[$0].directoryName } ?? ""): \(line)")
        }
    }

    private func deliver(_ deliveries: [Delivery], over cluster: Cluster) throws {
        for delivery in deliveries {
            let rank = cluster.rank(ofWorker: delivery.worker)
            try cluster.control.post(try delivery.parcel.encoded(), to: rank, tag: MessageTag.order)
        }
    }

    private func beginNextStage() throws -> [Delivery] {
        guard let next = plan.stages.first(where: { !state.isDone($0) }) else {
            ending = .done
            try log.finish()
            return toAll(.end)
        }
        stage = next.index
        finishedWorkers = []
        let coordinator = try next.configuration.stage.coordinator(next, plan, workers: workerCount)
        self.coordinator = coordinator
        AtomicDirectory.recover(in: next.directory)
        let checkpoints = CheckpointStore(next.directory)
        let checkpoint = checkpoints.newest { log.note("  \(next.name): \($0)") }
        let saved = try checkpoint.map { try TrainerState.read(from: checkpoints.url(ofStep: $0)) }
        try log.resume(at: saved?.metrics ?? MetricsState(position: state.position))
        return toAll(.run(stage: next.index, checkpoint: checkpoint, done: coordinator.done))
    }

    private func finishStage() throws -> [Delivery] {
        guard let stage, let coordinator else { preconditionFailure("no stage to finish") }
        let done = plan.stages[stage]
        log.end()
        try FileManager.default.createDirectory(at: done.directory, withIntermediateDirectories: true)
        for line in try coordinator.finish() { log.note(line) }
        // The disk has what the stage leaves before it is said to be done.
        try DurableFiles.flush(done.directory)
        state.done.append(done.directoryName)
        state.identity.inputs.append(try RunInput(leftBy: done, plan.configuration, justWritten: true))
        state.position = try log.synchronizedState().position
        try state.write(to: plan.directory)
        return try beginNextStage()
    }

    private func stop(_ stage: PlannedStage, _ step: Int?, _ reason: StopReason) throws -> [Delivery] {
        ending = .stopped
        log.end()
        try log.finish()
        let place = step.map { "at step \($0) of" } ?? "in"
        log.note("mpo: stopped \(place) \(stage.directoryName) \(reason); go on with --resume")
        return toAll(.end)
    }

    private func toAll(_ order: Order) -> [Delivery] {
        (0..<workerCount).map { Delivery(worker: $0, parcel: Parcel(order)) }
    }
}

/// What rank zero does with a stage's results.
package protocol StageCoordinator: AnyObject {
    /// The items that an earlier start has done.
    var done: Set<ItemKey> { get }
    /// Takes a message of the stage's workers, and gives the orders that follow.
    func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery]
    /// Writes what the stage leaves, once every worker is through; returns lines for the person who watches.
    func finish() throws -> [String]
}

extension StageCoordinator {
    package var done: Set<ItemKey> { [] }
}

/// For stages whose workers leave everything on disk themselves.
package final class WatchingCoordinator: StageCoordinator {
    package func handle(_ message: StageParcel, from worker: Int) throws -> [Delivery] {
        throw UnexpectedMessage(kind: message.kind)
    }
    package func finish() throws -> [String] { [] }
}
