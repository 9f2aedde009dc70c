import ArgumentParser
import MPI
import Training

/// A command that works between MPI's start and end.
protocol JobCommand: ParsableCommand {
    /// Does the work and returns the exit status.
    func run(on runtime: MPIRuntime) throws -> Int32
}

/// A command for one process, which several ranks would only do several times.
protocol LoneCommand: JobCommand {
    /// Does the work.
    func work() throws
}

extension LoneCommand {
    func run(on runtime: MPIRuntime) throws -> Int32 {
        guard runtime.world.size == 1 else {
            let name = Self.configuration.commandName ?? Self._commandName
            throw UsageError("\(name) works in one process: start it without mpirun", command: name)
        }
        try work()
        return 0
    }
}

/// A command line that cannot be read, or asks for what makes no sense.
struct UsageError: ExitStatusProviding, CustomStringConvertible {
    private let problem: String
    private let command: String?

    /// - Parameter command: The subcommand whose help tells more; `nil` for the program's.
    init(_ problem: String, command: String? = nil) {
        self.problem = problem
        self.command = command
    }

    var exitStatus: Int32 { 2 }

    var description: String {
        let help = "mpo \(command.map { "\($0) " } ?? "")--help"
        if problem.hasSuffix("?") { return "\(problem) See \(help)" }
        return "\(problem.hasSuffix(".") ? String(problem.dropLast()) : problem); see \(help)"
    }
}
