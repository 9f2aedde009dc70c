import MPI

/// An error with the stage that it came from: `stage 02-dpo: cause`.
struct StageError: Error, CustomStringConvertible, ExitStatusProviding {
    let stage: String
    let cause: any Error

    var description: String { "stage \(stage): \(cause)" }

    var exitStatus: Int32 { (cause as? any ExitStatusProviding)?.exitStatus ?? 1 }

    var teller: Int? { (cause as? any ExitStatusProviding)?.teller }

    /// Runs `body`, whose errors get the stage's name unless they have one.
    static func naming<Result>(_ stage: PlannedStage?, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            guard let stage, !(error is StageError) else { throw error }
            throw StageError(stage: stage.directoryName, cause: error)
        }
    }
}
