import Foundation
import TestSupport

/// Runs one of the scripts in `launch/`, or in another folder, as a person would.
struct Script {
    /// What a finished script left.
    struct Outcome {
        var status: Int32
        var output: String
        var error: String

        var lastLine: String {
            error.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
        }
    }

    var name: String
    /// Where the script is, in a tree laid out like the repository.
    var folder = "launch"
    var root = TestSupport.repository
    /// Where it is run; here where `nil`.
    var directory: URL?
    /// Variables on top of the test's own, without any of those that steer the scripts; `nil` removes one.
    var environment: [String: String?] = [:]
    /// The width of the terminal that the script is started on; `nil` for none. All it says is its output then.
    var terminalColumns: Int?

    func run(_ arguments: String...) throws -> Outcome {
        try start(arguments).finish()
    }

    func start(_ arguments: [String]) throws -> Running {
        let process = Process()
        let path = root.appending(path: folder).appending(path: name)
        if let terminalColumns {
            let command = ([path.path] + arguments).map { "'\($0)'" }.joined(separator: " ")
            process.executableURL = URL(filePath: "/usr/bin/script")
            process.arguments = ["-qec", "stty cols \(terminalColumns); \(command)", "/dev/null"]
        } else {
            process.executableURL = path
            process.arguments = arguments
        }
        var variables = ProcessInfo.processInfo.environment.filter { name, _ in
            !["MPO_", "SLURM_", "OMP_", "OMPI_", "PMIX_"].contains { name.hasPrefix($0) }
        }
        for (name, value) in environment { variables[name] = value }
        process.environment = variables
        if let directory { process.currentDirectoryURL = directory }
        process.standardInput = FileHandle.nullDevice
        return try Running(process)
    }

    /// A script under way. Its output goes to files, so that nothing waits for a reader.
    final class Running {
        private let process: Process
        private let directory: URL

        init(_ process: Process) throws {
            self.process = process
            directory = FileManager.default.temporaryDirectory.appending(path: "mpo-script-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            process.standardOutput = try Self.handle(directory.appending(path: "output"))
            process.standardError = try Self.handle(directory.appending(path: "error"))
            // A child inherits the signal mask of this thread, and the pool's threads block what the tests send.
            var none = sigset_t()
            var before = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            try process.run()
        }

        deinit { try? FileManager.default.removeItem(at: directory) }

        var identifier: Int32 { process.processIdentifier }

        /// Waits until standard error contains `text`; `false` where it does not within so many seconds.
        func waitFor(_ text: String, seconds: Int = 20) throws -> Bool {
            for _ in 0..<10 * seconds {
                if try contents("error").contains(text) { return true }
                Thread.sleep(forTimeInterval: 0.1)
            }
            return false
        }

        func finish() throws -> Outcome {
            process.waitUntilExit()
            return Outcome(
                status: process.terminationStatus, output: try contents("output"), error: try contents("error"))
        }

        private func contents(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: directory.appending(path: name)), as: UTF8.self)
        }

        private static func handle(_ file: URL) throws -> FileHandle {
            try Data().write(to: file)
            return try FileHandle(forWritingTo: file)
        }
    }
}

/// Writes a file into a directory; a script of the shell where `isExecutable`.
@discardableResult
func write(_ text: String, _ name: String, in directory: URL, isExecutable: Bool = false) throws -> String {
    let file = directory.appending(path: name)
    try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
    if isExecutable { try TestSupport.makeExecutable(file) }
    return file.path
}
