import ArgumentParser
import Foundation
import MPI

/// A command that works in one process and never touches MPI, so that programs which ranks start may call it.
protocol LoneCommand: ParsableCommand {
    /// Whether several ranks would do the same work several times, and are refused.
    static var refusesRanks: Bool { get }
    /// Does the work.
    func work() throws
}

extension LoneCommand {
    static var refusesRanks: Bool { true }

    /// Works; an error ends the process.
    func run() {
        if Self.refusesRanks, LaunchEnvironment().announcedSize ?? 1 > 1 {
            let name = Self.configuration.commandName ?? Self._commandName
            LoneProcess.end(with: UsageError("\(name) works in one process: start it without mpirun", command: name))
        }
        do {
            try work()
        } catch {
            LoneProcess.end(with: error)
        }
    }
}

/// The end of a process that did not start MPI.
enum LoneProcess {
    /// Tells an error in one line, once for all ranks, and exits with its status.
    static func end(with error: any Error) -> Never {
        let status = (error as? any ExitStatusProviding)?.exitStatus ?? 1
        fflush(nil)
        if LaunchEnvironment().announcedRank ?? 0 > 0, status == 2 {
            // The launcher ends all ranks when the first one fails: rank zero, which tells the same, comes first.
            Thread.sleep(forTimeInterval: 3)
        } else {
            let line = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            StandardError.write("mpo: \(line)\n")
        }
        exit(status)
    }
}
