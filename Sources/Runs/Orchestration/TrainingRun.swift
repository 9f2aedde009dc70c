import Foundation
import MPI
import PreferenceData
import Torch

/// Runs the stages of a configuration on all ranks of a job.
package struct TrainingRun {
    private let configuration: RunConfiguration
    private let runtime: MPIRuntime
    private let options: StartOptions
    private let stopConditions: StopConditions
    private let trace: URL?

    /// A run on the ranks of `runtime`.
    ///
    /// - Parameters:
    ///   - configuration: The resolved configuration, the same on every rank.
    ///   - options: Whether to go on with what the run directory holds, and on what terms.
    ///   - stopConditions: What ends the run before it is done.
    ///   - trace: Where a trace of all ranks is written when the run ends; `nil` for none.
    package init(
        _ configuration: RunConfiguration, on runtime: MPIRuntime, _ options: StartOptions,
        until stopConditions: StopConditions, trace: URL? = nil
    ) {
        self.configuration = configuration
        self.runtime = runtime
        self.options = options
        self.stopConditions = stopConditions
        self.trace = trace
    }

    /// Runs to the end, or until it is stopped, which all ranks find alike. All of them call this; rank zero finds and
    /// throws whatever the user can mend before any training.
    package func callAsFunction() throws -> RunEnding {
        var plan = RunPlan(configuration)
        let cluster = try Cluster(world: runtime.world)
        let lifeLine = try LifeLine(over: cluster.control, timeout: Double(configuration.stallTimeoutSeconds))
        defer { lifeLine?.end() }
        let threads = try ThreadShare(configuration, cluster: cluster, environment: runtime.environment)
        let build = try BuildIdentity()
        // Rank zero computes nothing, unless it is alone.
        let devices: DeviceShare
        (plan.device, devices) = try DeviceShare.find(
            cluster.workers == nil ? .cpu : configuration.wantedDevice,
            localRank: runtime.environment.localRank ?? 0, isDeterministic: configuration.fullDeterminism,
            over: cluster.control)
        let processors = try Processor.gather(
            threads: threads.count, card: devices.places[cluster.control.rank].card, over: cluster.control)
        let opening =
            try cluster.isOrchestrator ? open(plan, Topology(configuration, build: build, ranks: processors)) : nil
        defer { opening?.lock?.release() }
        if let opening, let trace { try OutputFile.check(trace, sparing: opening.inputs) }
        try cluster.control.quietBarrier()
        let handshake = StartHandshake(plan: plan, build: build, control: cluster.control)
        guard try handshake(opening) else {
            if let opening { RunLog(plan, output: .standardError()).note(opening) }
            return .done
        }
        try opening?.commit()
        try TorchRuntime.start(threads: threads.count)
        let tracer = Tracer(isRecording: trace != nil)
        let runTrace = try trace.map { try RunTrace($0, over: cluster.control) }
        let watch = StallWatch(lifeLine, configuration)
        let orchestrator = opening.map { self.orchestrator(plan, $0, cluster, lifeLine, threads, devices.lines) }
        let ending = try work(as: orchestrator, watch, plan, cluster, tracer)
        try runTrace?.finish(tracer, role: cluster.workers == nil ? "orchestrator" : "worker")
        return ending
    }

    /// This rank's part in the run: the orchestrator's, a worker's, or both.
    private func work(
        as orchestrator: Orchestrator?, _ watch: StallWatch, _ plan: RunPlan, _ cluster: Cluster, _ tracer: Tracer
    ) throws -> RunEnding {
        guard let workers = cluster.workers else {
            guard let orchestrator else { preconditionFailure("rank \(cluster.control.rank) has no role") }
            return try orchestrator.run(over: cluster, watch: watch, tracer)
        }
        let link: any WorkerLink =
            if let orchestrator { try LocalLink(orchestrator) } else { MPILink(cluster.control) }
        return try Worker(
            plan: plan, cluster: cluster, workers: workers, link: link, text: try TextPipeline(configuration),
            stopConditions: stopConditions, tracer: tracer
        ).run()
    }

    /// Takes the run directory; should another job take it later, this one ends.
    private func open(_ plan: RunPlan, _ topology: Topology) throws -> RunOpening {
        // The job is ended from the thread that sees the loss, since this one may be anywhere.
        let end = JobEnd(of: runtime)
        return try RunOpening(plan, topology, options) { end(because: $0) }
    }

    private func orchestrator(
        _ plan: RunPlan, _ opening: RunOpening, _ cluster: Cluster, _ lifeLine: LifeLine?, _ threads: ThreadShare,
        _ notes: [String]
    ) -> Orchestrator {
        let log = RunLog(plan, output: .standardError())
        log.note(
            "mpo: \(HumanFormat.counted(cluster.control.size, "rank")) "
                + "(\(cluster.isAlone ? "one process with every role" : "an orchestrator and \(HumanFormat.counted(cluster.workerCount, "worker"))")), "
                + "\(HumanFormat.counted(threads.count, "thread")) each, LibTorch \(TorchRuntime.numerics)"
        )
        log.note(opening)
        for note in notes { log.note("mpo: \(note)") }
        if let warning = TorchRuntime.warning(threads: threads.count) { log.note("mpo: warning: \(warning)") }
        if let warning = threads.warning { log.note("mpo: warning: \(warning)") }
        if let warning = lifeLine?.warning { log.note("mpo: warning: \(warning)") }
        return Orchestrator(plan: plan, state: opening.state, workerCount: cluster.workerCount, log: log)
    }
}

extension RunLog {
    fileprivate func note(_ opening: RunOpening) {
        for line in opening.notes { note("mpo: \(line)") }
    }
}
