import Foundation

/// Rank zero's part of a start: it checks what can be checked, takes the run directory, and finds where the run stands.
package struct RunOpening {
    /// Where the run stands, with its identity as of now.
    package let state: RunState
    /// What the person who watches should know.
    package let notes: [String]
    /// Held for as long as the run goes on; `nil` for a run that is finished.
    package let lock: RunLock?

    private let plan: RunPlan

    /// Opens the run directory; writes nothing but the lock.
    ///
    /// - Parameter lost: Called from another thread when another job takes the directory.
    /// - Throws: ``RunError``, ``StartError``, ``RunLockError`` and whatever ``Preflight`` finds.
    package init(
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
            // Another job may have begun a run meanwhile, which the lock and the state below find.
            if let file = directory.strangersFile(besides: plan.configuration.fileURL),
                try RunState.read(from: directory) == nil
            {
                throw RunError.strangersFile(file.path, directory: directory.url.path)
            }
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
                [lock.note].compactMap(\.self) + (passed ?? []) + (try preflight.notesOfLengths())
                + (state.isFinished(plan) ? [Self.finished(plan)] : [])
        } catch {
            lock.release()
            throw error
        }
    }

    /// Writes where the run stands, by which the directory is known as a run's, and then the configuration.
    package func commit() throws {
        try state.write(to: plan.directory)
        let text = Data(plan.configuration.yaml.utf8)
        let file = configuration(holding: text)
        if (try? Data(contentsOf: file)) != text { try DurableFiles.write(text, to: file) }
    }

    /// Where the resolved configuration goes: beside `config.yaml`, where that is the user's own.
    private func configuration(holding text: Data) -> URL {
        let directory = plan.directory
        let (usual, other) = (directory.configuration, directory.resolvedConfiguration)
        if FileManager.default.fileExists(atPath: other.path) { return other }
        let isGiven = plan.configuration.fileURL.map { $0.isSameFile(as: usual) } ?? false
        return isGiven && (try? Data(contentsOf: usual)) != text ? other : usual
    }

    /// All files that the run reads from outside.
    package var inputs: [URL] {
        [plan.configuration.fileURL].compactMap(\.self)
            + state.identity.inputs.flatMap(\.files).map { URL(filePath: $0.path) }
    }

    private static func finished(_ plan: RunPlan) -> String {
        "\(plan.configuration.outputDir): the run is finished; nothing is left to do"
    }

    private static func create(_ directory: RunDirectory) throws {
        do {
            try FileManager.default.createDirectory(at: directory.stages, withIntermediateDirectories: true)
        } catch {
            throw RunError.unusableDirectory(directory.url.path, reason: SystemError.reason(error))
        }
    }
}

extension RunState {
    /// Whether every stage of a plan is done.
    package func isFinished(_ plan: RunPlan) -> Bool { plan.stages.allSatisfy(isDone) }
}
