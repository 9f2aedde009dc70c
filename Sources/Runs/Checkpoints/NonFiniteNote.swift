import Foundation

/// `not_finite.json` in the directory of a stage that a number which is not finite has ended: what tells a study an arm that
/// diverged from a run that failed in some other way.
package enum NonFiniteNote {
    package static let name = "not_finite.json"

    /// Leaves it where `error` says so, on the rank that tells the error.
    static func leave(because error: any Error, in stage: PlannedStage, rank: Int) {
        guard let error = error as? RunError, case .notFinite = error, error.teller == rank,
            let data = try? JSONEncoder().encode(["problem": error.description])
        else { return }
        // The error itself ends the run, and is told; what cannot be noted must not hide it.
        try? FileManager.default.createDirectory(at: stage.directory, withIntermediateDirectories: true)
        try? DurableFiles.write(data, to: file(of: stage))
    }

    /// Takes it away: the stage is begun anew or gone on with.
    static func remove(from stage: PlannedStage) { try? FileManager.default.removeItem(at: file(of: stage)) }

    /// Whether a number that is not finite has ended the stage's latest start.
    package static func isLeft(in stage: PlannedStage) -> Bool {
        FileManager.default.fileExists(atPath: file(of: stage).path)
    }

    /// What is wrong, as the stage in `directory` has left it; `nil` where it has left nothing that can be read.
    package static func problem(in directory: URL) -> String? {
        guard let data = try? Data(contentsOf: directory.appending(path: name)) else { return nil }
        return (try? JSONDecoder().decode([String: String].self, from: data))?["problem"]
    }

    private static func file(of stage: PlannedStage) -> URL { stage.directory.appending(path: name) }
}
