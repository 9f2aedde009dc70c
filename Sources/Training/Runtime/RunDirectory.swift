import Foundation

/// The places in a run directory.
package struct RunDirectory: Sendable {
    let url: URL

    init(_ url: URL) { self.url = url }

    /// The configuration as resolved.
    var configuration: URL { url.appending(path: "config.yaml") }
    /// Which stages are done.
    var state: URL { url.appending(path: "run.json") }
    /// A directory a stage.
    var stages: URL { url.appending(path: "stages") }
}

/// What a run has done so far, as `run.json` keeps it.
package struct RunState: Codable, Equatable {
    /// Directory names of the stages that are done, in order.
    package var done: [String] = []
    /// The length of `metrics.jsonl` at the end of the last stage that is done.
    var position: UInt64 = 0
    /// What the run is, as of its latest start.
    var identity: RunIdentity
    /// The version of this file's form.
    var version = 1

    package init(identity: RunIdentity) { self.identity = identity }

    func isDone(_ stage: PlannedStage) -> Bool { done.contains(stage.directoryName) }

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
    func write(to directory: RunDirectory) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try DurableFiles.write(try encoder.encode(self), to: directory.state)
    }
}
