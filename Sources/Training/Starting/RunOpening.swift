import Foundation

/// Rank zero's part of a start: it checks what can be checked, takes the run directory, and finds where the run stands.
struct RunOpening {
    /// Where the run stands, with its identity as of now.
    let state: RunState
    /// What the person who watches should know.
    let notes: [String]
    /// Held for as long as the run goes on; `nil` for a run that is finished.
    let lock: RunLock?

    private let plan: RunPlan

    /// Opens the run directory; writes nothing but the lock.
    ///
    /// - Parameter lost: Called from another thread when another job takes the directory.
    /// - Throws: ``RunError``, ``StartError``, ``RunLockError`` and whatever ``Preflight`` finds.
    init(
        _ plan: RunPlan, _ topology: Topology, _ options: StartOptions,
        lost: @escaping @Sendable (RunLockError) -> Void
    ) throws {
        self.plan = plan
        let directory = plan.directory
        let found = try RunState.read(from: directory)
        if found == nil, options.resumes { throw RunError.nothingToResume(directory: directory.url.path) }
        if let found, options.resumes, found.isFinished(plan), found.identity.settings == plan.configuration.settings {
            (state, lock) = (found, nil)
            notes = [Self.finished(plan)]
            return
        }
        let preflight = Preflight(plan, workerCount: topology.workers.count, ranks: topology.ranks)
        if found == nil {
            try preflight.check()
            try Self.create(directory)
        }
        let lock = try RunLock(directory.url, breaking: options.breaksLock, lost: lost)
        do {
            guard try RunState.read(from: directory) == found else {
                throw StartError.overtaken(directory: directory.url.path)
            }
            guard found == nil || options.resumes else { throw RunError.exists(directory: directory.url.path) }
            try plan.configuration.checkFiles()
            let identity = try RunIdentity(plan, topology, after: found)
            let passed = try found.map { try identity.check(against: $0, plan, options) }
            // What has changed says more than what is wrong with it.
            if found != nil { try preflight.check() }
            var state = found ?? RunState(identity: identity)
            state.identity = identity
            self.state = state
            self.lock = lock
            notes =
                [lock.note].compactMap(\.self) + (passed ?? []) + (state.isFinished(plan) ? [Self.finished(plan)] : [])
        } catch {
            lock.release()
            throw error
        }
    }

    /// Writes the configuration and where the run stands.
    func commit() throws {
        do {
            try Data(plan.configuration.yaml.utf8).write(to: plan.directory.configuration, options: .atomic)
        } catch {
            throw RunError.unusableDirectory(plan.directory.url.path, reason: error.localizedDescription)
        }
        try state.write(to: plan.directory)
    }

    private static func finished(_ plan: RunPlan) -> String {
        "\(plan.configuration.outputDir): the run is finished; nothing is left to do"
    }

    private static func create(_ directory: RunDirectory) throws {
        do {
            try FileManager.default.createDirectory(at: directory.stages, withIntermediateDirectories: true)
        } catch {
            throw RunError.unusableDirectory(directory.url.path, reason: error.localizedDescription)
        }
    }
}

extension RunState {
    /// Whether every stage of a plan is done.
    func isFinished(_ plan: RunPlan) -> Bool { plan.stages.allSatisfy(isDone) }
}
