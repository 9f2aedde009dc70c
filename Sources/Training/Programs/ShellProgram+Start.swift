import Foundation
import Runs

/// Why the system could not start a program.
package struct ShellError: Error {
    package let reason: String

    package init(_ operation: String, _ code: Int32) {
        reason = "\(operation): \(String(cString: strerror(code)))"
    }
}

extension ShellProgram {
    package typealias Started = (process: pid_t, input: Int32, output: Int32, errors: Int32)

    /// Starts `/bin/sh`; the descriptors are our ends of its pipes, and do not block.
    package static func start(_ arguments: [String]) throws(ShellError) -> Started {
        let input = try Pipe()
        let output = try Pipe()
        let errors = try Pipe()

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.readEnd, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output.writeEnd, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors.writeEnd, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        // What this thread blocks or this process ignores is no affair of the program's.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)

        var process: pid_t = 0
        let code = withCStrings(["sh"] + arguments) { arguments in
            withCStrings(environment.map { "\($0)=\($1)" }) {
                posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, $0)
            }
        }
        guard code == 0 else { throw ShellError("/bin/sh", code) }
        return (process, input.takeWriteEnd(), output.takeReadEnd(), errors.takeReadEnd())
    }

    /// Ours. Python is asked not to hold back what it prints, as every answer is waited for.
    private static var environment: [String: String] {
        ["PYTHONUNBUFFERED": "1"].merging(ProcessInfo.processInfo.environment) { $1 }
    }
}

/// A pipe whose ends no other program inherits.
private final class Pipe {
    private(set) var readEnd: Int32
    private(set) var writeEnd: Int32

    init() throws(ShellError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ShellError("pipe", errno) }
        (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        if readEnd >= 0 { close(readEnd) }
        if writeEnd >= 0 { close(writeEnd) }
    }

    func takeReadEnd() -> Int32 { Self.take(&readEnd) }

    func takeWriteEnd() -> Int32 { Self.take(&writeEnd) }

    private static func take(_ end: inout Int32) -> Int32 {
        defer { end = -1 }
        _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        return end
    }
}

private func withCStrings<Value>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
) -> Value {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}

/// How a program came to its end.
package enum ProgramExit: Sendable, Equatable {
    /// It ended itself.
    case status(Int32)
    /// A signal ended it that we did not send.
    case signal(Int32)
    /// It still ran, and was ended for this.
    case forced
    /// Someone else collected its status.
    case unknown

    /// From what `waitpid` tells.
    package init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .status((waitStatus >> 8) & 0xff) : .signal(signal)
    }

    /// What follows the program's name in a message.
    package var description: String {
        switch self {
        case .status(let status): "ended with status \(status)"
        case .signal(let signal):
            "was ended by signal \(signal) (\(strsignal(signal).map { String(cString: $0) } ?? "?"))"
        case .forced: "closed its input or output"
        case .unknown: "ended"
        }
    }
}
