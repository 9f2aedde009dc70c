import MPI

/// An error with the stage that it came from: `stage 02-dpo: cause`, whose text need not begin with the stage's name then.
package struct StageError: Error, CustomStringConvertible, ExitStatusProviding {
    package let stage: String
    package let cause: any Error

    package var description: String {
        let (text, name) = ("\(cause)", "\(PlannedStage.name(ofDirectory: stage)): ")
        return "stage \(stage): \(text.hasPrefix(name) ? String(text.dropFirst(name.count)) : text)"
    }

    package var exitStatus: Int32 { (cause as? any ExitStatusProviding)?.exitStatus ?? 1 }

    package var teller: Int? { (cause as? any ExitStatusProviding)?.teller }

    /// Runs `body`, whose errors get the stage's name unless they have one.
    package static func naming<Result>(_ stage: PlannedStage?, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            guard let stage, !(error is StageError), !(error is WorkerFailure) else { throw error }
            throw StageError(stage: stage.directoryName, cause: error)
        }
    }
}
