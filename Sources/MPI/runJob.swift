import Foundation

/// An error that knows the status its process should exit with; others mean 1.
public protocol ExitStatusProviding: Error {
    /// 2 stands for a mistake in what the user asked for.
    var exitStatus: Int32 { get }
    /// The rank that tells the error where several find the same one; `nil` where whoever finds it does.
    var teller: Int? { get }
    /// Whether its text says which rank found it, as that of an error does which another rank tells.
    var namesItsRank: Bool { get }
}

extension ExitStatusProviding {
    /// Every rank finds a mistake of the user's, and rank zero tells it.
    public var teller: Int? { exitStatus == 2 ? 0 : nil }
    /// It does not: whoever tells it says so.
    public var namesItsRank: Bool { false }
}

/// Runs a program's body between MPI's start and end, and exits with the status it returns.
///
/// An error that `body` throws on any rank is told in one line on standard error, `mpo: rank 3 on node7: cause`, and
/// ends the whole job with its `exitStatus`, so no rank waits for one that is gone. An error that has a `teller` is told by
/// that rank; another one that finds it alone tells it a few seconds later.
public func runJob(named program: String = "mpo", _ body: (MPIRuntime) throws -> Int32) -> Never {
    let runtime: MPIRuntime
    do {
        runtime = try MPIRuntime()
    } catch {
        tell("\(program): on \(LaunchEnvironment.hostName): \(oneLine(error))")
        exit(1)
    }
    do {
        let status = try body(runtime)
        try runtime.finalize()
        exit(status)
    } catch {
        endJob(named: program, because: error, on: runtime)
    }
}

/// Tells an error as ``runJob(named:_:)`` does, and ends all ranks of the job at once.
private func endJob(named program: String, because error: any Error, on runtime: MPIRuntime) -> Never {
    let known = error as? any ExitStatusProviding
    let world = runtime.world
    if let teller = known?.teller, teller != world.rank {
        Thread.sleep(forTimeInterval: 3)
    }
    let status = tell(
        error, of: program, rank: world.rank, size: world.size, isLaunched: runtime.environment.isLaunchedByMPIRun)
    runtime.abort(status: status)
}

/// What any thread may call to end a job, while another may be in the middle of a call of MPI.
///
/// MPI takes calls from one thread at a time, so its abort is not for such a thread: the process ends, and the launcher ends
/// the other ranks.
public struct JobEnd: Sendable {
    private let rank: Int
    private let size: Int
    private let isLaunched: Bool

    /// The end of the job that `runtime` belongs to.
    public init(of runtime: MPIRuntime) {
        (rank, size) = (runtime.world.rank, runtime.world.size)
        isLaunched = runtime.environment.isLaunchedByMPIRun
    }

    /// Tells an error as ``runJob(named:_:)`` does, and ends this process with the error's status.
    public func callAsFunction(named program: String = "mpo", because error: any Error) -> Never {
        _exit(tell(error, of: program, rank: rank, size: size, isLaunched: isLaunched))
    }
}

/// Tells an error in one line, and returns the status to exit with.
private func tell(_ error: any Error, of program: String, rank: Int, size: Int, isLaunched: Bool) -> Int32 {
    let known = error as? any ExitStatusProviding
    let status = known?.exitStatus ?? 1
    let isPlaced = known?.namesItsRank ?? false || size == 1 || (status == 2 && rank == 0)
    let place = isPlaced ? "" : "rank \(rank) on \(LaunchEnvironment.hostName): "
    tell("\(program): \(place)\(oneLine(error))")
    // The launcher collects this line and the notice of the end on different ways: let the line pass first.
    if isLaunched { Thread.sleep(forTimeInterval: 0.2) }
    return status
}

private func oneLine(_ error: any Error) -> String {
    "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
}

private func tell(_ line: String) {
    fflush(nil)
    StandardError.write(line + "\n")
}
