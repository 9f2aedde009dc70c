import MPI

/// An error that several workers may meet at once, each with a line that says the same: rank zero tells the first that it hears of.
package protocol ToldOnce: ExitStatusProviding {}

extension ToldOnce {
    /// Rank zero.
    package var teller: Int? { 0 }
}

/// What has ended the part of a worker on another rank: `rank 3 on node7: stage 02-bridge: cause`.
package struct WorkerFailure: Error, Codable, CustomStringConvertible, ExitStatusProviding {
    package let description: String
    package let exitStatus: Int32

    package var teller: Int? { 0 }
    package var namesItsRank: Bool { true }

    /// The failure of a stage on this rank; `nil` for an error that is not ``ToldOnce``.
    package init?(_ error: StageError, rank: Int) {
        guard error.cause is any ToldOnce else { return nil }
        description = "rank \(rank) on \(LaunchEnvironment.hostName): \(error)"
        exitStatus = error.exitStatus
    }
}
