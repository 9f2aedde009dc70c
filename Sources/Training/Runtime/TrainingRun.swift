import Foundation
import MPI
import Torch

/// Runs the stages of a configuration on all ranks of a job.
public struct TrainingRun {
    private let configuration: RunConfiguration
    private let runtime: MPIRuntime
    private let resumes: Bool
    private let trace: URL?

    /// A run on the ranks of `runtime`.
    ///
    /// - Parameters:
    ///   - configuration: The resolved configuration, the same on every rank.
    ///   - resumes: Whether to go on with what the run directory holds.
    ///   - trace: Where a trace of all ranks is written when the run ends; `nil` for none.
    public init(
        _ configuration: RunConfiguration, on runtime: MPIRuntime, resuming resumes: Bool, trace: URL? = nil
    ) {
        self.configuration = configuration
        self.runtime = runtime
        self.resumes = resumes
        self.trace = trace
    }

    /// Runs to the end. All ranks call this; rank zero finds and throws whatever the user can mend before any training.
    public func callAsFunction() throws {
        let plan = RunPlan(configuration)
        let cluster = try Cluster(world: runtime.world)
        var state = RunState()
        if cluster.isOrchestrator {
            state = try prepare(plan, cluster)
        }
        try cluster.control.quietBarrier()
        let threads = try ThreadShare(configuration, cluster: cluster, environment: runtime.environment)
        TorchRuntime.start(threads: threads.count)
        let tracer = Tracer(isRecording: trace != nil)
        let runTrace = try trace.map { try RunTrace($0, over: cluster.control) }
        let orchestrator = cluster.isOrchestrator ? self.orchestrator(plan, state, cluster, threads) : nil
        try work(as: orchestrator, plan, cluster, tracer)
        try runTrace?.finish(tracer, role: cluster.workers == nil ? "orchestrator" : "worker")
    }

    /// This rank's part in the run: the orchestrator's, a worker's, or both.
    private func work(
        as orchestrator: Orchestrator?, _ plan: RunPlan, _ cluster: Cluster, _ tracer: Tracer
    ) throws {
        guard let workers = cluster.workers else {
            try orchestrator?.run(over: cluster, tracer)
            return
        }
        let link: any WorkerLink =
            if let orchestrator { try LocalLink(orchestrator) } else { MPILink(cluster.control) }
        try Worker(
            plan: plan, cluster: cluster, workers: workers, link: link, text: try TextPipeline(configuration),
            tracer: tracer
        ).run()
    }

    private func orchestrator(
        _ plan: RunPlan, _ state: RunState, _ cluster: Cluster, _ threads: ThreadShare
    ) -> Orchestrator {
        let log = RunLog(plan, output: .standardError())
        log.note(
            "mpo: \(cluster.control.size) \(cluster.control.size == 1 ? "rank" : "ranks") "
                + "(\(cluster.isAlone ? "one process with every role" : "an orchestrator and \(cluster.workerCount) workers")), "
                + "\(threads.count) \(threads.count == 1 ? "thread" : "threads") each, LibTorch \(TorchRuntime.version)"
        )
        if let warning = threads.warning { log.note("mpo: warning: \(warning)") }
        return Orchestrator(plan: plan, state: state, workerCount: cluster.workerCount, log: log)
    }

    /// Checks everything that can be checked before training, then makes the run directory.
    private func prepare(_ plan: RunPlan, _ cluster: Cluster) throws -> RunState {
        try Preflight(plan, workerCount: cluster.workerCount, ranks: cluster.control.size).check()
        let directory = plan.directory
        let earlier = try RunState.read(from: directory)
        var state: RunState
        switch (earlier, resumes) {
        case (nil, true): throw RunError.nothingToResume(directory: directory.url.path)
        case (.some, false): throw RunError.exists(directory: directory.url.path)
        case (nil, false): state = RunState()
        case (let earlier?, true):
            state = earlier
            guard Set(state.done).isSubset(of: plan.stages.map(\.directoryName)) else {
                throw RunError.otherStages(directory: directory.url.path)
            }
        }
        state.ranks = cluster.control.size
        do {
            try FileManager.default.createDirectory(at: directory.stages, withIntermediateDirectories: true)
            try Data(configuration.yaml.utf8).write(to: directory.configuration, options: .atomic)
        } catch let error as CocoaError {
            throw RunError.cannotWrite(directory.url.path, reason: error.localizedDescription)
        }
        try state.write(to: directory)
        return state
    }
}
