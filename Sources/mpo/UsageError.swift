import MPI

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
