import Foundation

/// The places in a run directory.
package struct RunDirectory: Sendable {
    package let url: URL

    package init(_ url: URL) { self.url = url }

    /// The configuration as resolved.
    package var configuration: URL { url.appending(path: "config.yaml") }
    /// Where that goes when ``configuration`` is the user's own.
    package var resolvedConfiguration: URL { url.appending(path: "config.resolved.yaml") }
    /// Which stages are done.
    package var state: URL { url.appending(path: "run.json") }
    /// A line of metrics a step.
    package var metrics: URL { url.appending(path: "metrics.jsonl") }
    /// Who is at work, while somebody is.
    package var lock: URL { url.appending(path: "run.lock") }
    /// A directory a stage.
    package var stages: URL { url.appending(path: "stages") }

    /// What a run writes of its own accord, and somebody else has put there; `nil` where there is no such thing.
    ///
    /// Directories without files, and empty files, are nobody's: a start that was cut short leaves them.
    ///
    /// - Parameter given: The file that the configuration was read from, which a run leaves as it is.
    package func strangersFile(besides given: URL?) -> URL? {
        [configuration, resolvedConfiguration, metrics].first { file in
            Self.holdsData(file) && !(given.map { $0.isSameFile(as: file) } ?? false)
        } ?? [stages, url.appending(path: "tensorboard")].first(where: Self.holdsData)
    }

    private static func holdsData(_ url: URL) -> Bool {
        var status = stat()
        guard lstat(url.path, &status) == 0 else { return false }
        if status.st_mode & S_IFMT == S_IFREG { return status.st_size > 0 }
        let names = try? FileManager.default.contentsOfDirectory(atPath: url.path)
        // What is neither a file nor a directory that can be read is somebody's as well.
        return names?.contains { holdsData(url.appending(path: $0)) } ?? true
    }
}

extension URL {
    /// Whether both names lead to one file.
    package func isSameFile(as other: URL) -> Bool {
        var (own, others) = (stat(), stat())
        return stat(path, &own) == 0 && stat(other.path, &others) == 0
            && own.st_ino == others.st_ino && own.st_dev == others.st_dev
    }
}

/// What a run has done so far, as `run.json` keeps it.
package struct RunState: Codable, Equatable {
    /// Directory names of the stages that are done, in order.
    package var done: [String] = []
    /// The length of `metrics.jsonl` at the end of the last stage that is done.
    package var position: UInt64 = 0
    /// What the run is, as of its latest start.
    package var identity: RunIdentity
    /// The version of this file's form.
    package var version = 1

    package init(identity: RunIdentity) { self.identity = identity }

    package func isDone(_ stage: PlannedStage) -> Bool { done.contains(stage.directoryName) }

    /// Reads the state of a run; `nil` where there is none.
    ///
    /// - Throws: ``RunError/unreadableState(_:)``
    package static func read(from directory: RunDirectory) throws -> RunState? {
        guard FileManager.default.fileExists(atPath: directory.state.path) else { return nil }
        do {
            let state = try JSONDecoder().decode(RunState.self, from: Data(contentsOf: directory.state))
            guard state.identity.topology.isWhole else { throw RunError.unreadableState(directory.state.path) }
            return state
        } catch {
            throw RunError.unreadableState(directory.state.path)
        }
    }

    /// Replaces the file in one step.
    ///
    /// - Throws: ``RunError/cannotWrite(_:reason:)``
    package func write(to directory: RunDirectory) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try DurableFiles.write(try encoder.encode(self), to: directory.state)
    }
}
