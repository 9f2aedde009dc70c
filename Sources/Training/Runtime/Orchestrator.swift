import Foundation
import MPI

/// Rank zero's part: sequences the stages, routes what workers send, and owns the run directory.
///
/// It is a machine that answers reports with orders and never computes on tensors, so one process can be orchestrator and
/// worker at once, and a rank of its own only waits for messages.
final class Orchestrator {
    private let plan: RunPlan
    private let workerCount: Int
    private let log: RunLog
    private var state: RunState
    private var stage: Int?
    private var coordinator: (any StageCoordinator)?
    private var finishedWorkers: Set<Int> = []

    /// - Parameter state: What an earlier start of the run has done already.
    init(plan: RunPlan, state: RunState, workerCount: Int, log: RunLog) {
        self.plan = plan
        self.state = state
        self.workerCount = workerCount
        self.log = log
    }

    /// Whether every stage is done.
    private(set) var isDone = false

    /// The first orders.
    func start() throws -> [Delivery] { try beginNextStage() }

    /// Takes note of a report and gives the orders that follow from it.
    func handle(_ parcel: Parcel<Report>, from worker: Int) throws -> [Delivery] {
        guard let stage, let coordinator else { preconditionFailure("a report from worker \(worker) between stages") }
        switch parcel.header {
        case .began(let total, let unit, let step):
            log.begin(plan.stages[stage], total: total, unit: unit, step: step)
        case .step(let step, let metrics):
            try log.record(step: step, metrics: metrics, of: plan.stages[stage])
        case .advanced(let count): log.advance(by: count)
        case .note(let text): log.note(text)
        case .saved(let step):
            state.checkpoints[plan.stages[stage].directoryName, default: [:]][step] = try log.synchronizedPosition()
            try state.write(to: plan.directory)
        case .finished:
            finishedWorkers.insert(worker)
            return finishedWorkers.count == workerCount ? try finishStage() : []
        case .scores, .samples, .experience: return try coordinator.handle(parcel, from: worker)
        }
        return []
    }

    /// Drives the workers of other ranks until the run is over.
    func run(over cluster: Cluster, _ tracer: Tracer) throws {
        try deliver(try start(), over: cluster)
        while !isDone {
            let message = try tracer.measure(.waiting) {
                try cluster.control.receive(tag: MessageTag.report) { _ in self.log.tick() }
            }
            let worker = cluster.worker(atRank: message.source)
            try tracer.measure(.routing) {
                try deliver(try handle(try Parcel(decoding: message.bytes), from: worker), over: cluster)
            }
        }
        try cluster.control.flush()
    }

    private func deliver(_ deliveries: [Delivery], over cluster: Cluster) throws {
        for delivery in deliveries {
            let rank = cluster.rank(ofWorker: delivery.worker)
            try cluster.control.post(try delivery.parcel.encoded(), to: rank, tag: MessageTag.order)
        }
    }

    private func beginNextStage() throws -> [Delivery] {
        guard let next = plan.stages.first(where: { !state.isDone($0) }) else {
            isDone = true
            try log.finish()
            return toAll(.end)
        }
        stage = next.index
        finishedWorkers = []
        coordinator = next.coordinator(plan: plan, workerCount: workerCount)
        let checkpoint = try CheckpointStore(next.directory).newest()
        try log.resume(at: position(ofCheckpoint: checkpoint, of: next))
        return toAll(.run(stage: next.index, checkpoint: checkpoint))
    }

    /// Where the metrics of a stage go on.
    private func position(ofCheckpoint checkpoint: Int?, of stage: PlannedStage) -> UInt64 {
        guard let checkpoint else { return state.position }
        return state.checkpoints[stage.directoryName]?[checkpoint]
            ?? MetricsFile.end(ofStep: checkpoint, behind: state.position, in: plan.directory.url)
    }

    private func finishStage() throws -> [Delivery] {
        guard let stage, let coordinator else { preconditionFailure("no stage to finish") }
        let done = plan.stages[stage]
        log.end()
        for line in try coordinator.finish() { log.note(line) }
        state.done.append(done.directoryName)
        state.position = try log.synchronizedPosition()
        try state.write(to: plan.directory)
        return try beginNextStage()
    }

    private func toAll(_ order: Order) -> [Delivery] {
        (0..<workerCount).map { Delivery(worker: $0, parcel: Parcel(order)) }
    }
}

/// What rank zero does with a stage's results.
protocol StageCoordinator: AnyObject {
    /// Takes scores, samples or experience, and gives the orders that follow.
    func handle(_ parcel: Parcel<Report>, from worker: Int) throws -> [Delivery]
    /// Writes what the stage leaves, once every worker is through; returns lines for the person who watches.
    func finish() throws -> [String]
}

/// For stages whose workers leave everything on disk themselves.
final class WatchingCoordinator: StageCoordinator {
    func handle(_ parcel: Parcel<Report>, from worker: Int) throws -> [Delivery] { [] }
    func finish() throws -> [String] { [] }
}
