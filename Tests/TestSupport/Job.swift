import Foundation

/// A program run to its end, for tests: its output, its status, and a time limit that ends all it started.
public struct Job: Sendable {
    /// How a job ended.
    public struct Result: Sendable {
        /// The exit status; 128 plus the signal for a job that a signal ended.
        public var status: Int32
        /// All of its standard output.
        public var output: String
        /// All of its standard error.
        public var errors: String
        /// From start to end.
        public var seconds: Double
        /// Whether the time limit ended it.
        public var timedOut: Bool
    }

    /// The program.
    public var executable: URL
    /// What follows the program's name.
    public var arguments: [String]
    /// Added to this process's environment.
    public var environment: [String: String]
    /// Where it runs; here where `nil`.
    public var directory: URL?
    /// Seconds after which it is ended, with all it started.
    public var timeLimit: Double
    /// Whether Open MPI's notices, which stand between lines of dashes, are taken out of what it says.
    private var leavesOutNotices = false

    /// A job that has not started yet.
    public init(
        _ executable: URL, _ arguments: [String] = [], environment: [String: String] = [:], directory: URL? = nil,
        timeLimit: Double = 60
    ) {
        (self.executable, self.arguments, self.environment) = (executable, arguments, environment)
        (self.directory, self.timeLimit) = (directory, timeLimit)
    }

    /// `ranks` processes of a program under `mpirun`, more than there are cores if need be.
    ///
    /// - Parameters:
    ///   - options: of `mpirun` itself.
    ///   - isQuiet: whether its own notices are left out.
    public static func mpirun(
        ranks: Int, _ executable: URL, _ arguments: [String] = [], options: [String] = [], isQuiet: Bool = true,
        environment: [String: String] = [:],
        directory: URL? = nil, timeLimit: Double = 60
    ) throws -> Job {
        guard let mpirun = TestSupport.mpirun else { throw JobError(description: "mpirun is not in PATH") }
        let quietly = isQuiet ? TestSupport.quietly : []
        let asRoot = getuid() == 0 ? ["--allow-run-as-root"] : []
        var job = Job(
            mpirun, quietly + options + ["--oversubscribe", "-n", "\(ranks)"] + asRoot + [executable.path] + arguments,
            environment: environment, directory: directory, timeLimit: timeLimit)
        job.leavesOutNotices = isQuiet && !TestSupport.hasQuietMPI
        return job
    }

    /// Runs it and waits for its end.
    ///
    /// - Parameter started: called with the process id, which is also the process group, once the job runs.
    public func run(started: (pid_t) throws -> Void = { _ in }) throws -> Result {
        try TestSupport.withTemporaryDirectory { captured in
            let (output, errors) = (captured.appending(path: "output"), captured.appending(path: "errors"))
            let start = DispatchTime.now().uptimeNanoseconds
            func elapsed() -> Double { Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9 }

            let process = try spawn(output: output, errors: errors)
            do {
                try started(process)
            } catch {
                tree(process).forEach { kill($0, SIGKILL) }
                waitpid(process, nil, 0)
                throw error
            }
            var status: Int32 = 0
            // Ranks are in process groups of their own, and outlive an mpirun that is ended while it starts them.
            var ended: Set<pid_t> = []
            while waitpid(process, &status, WNOHANG) == 0 {
                if elapsed() > timeLimit {
                    if ended.isEmpty { kill(-process, SIGTERM) }
                    ended.formUnion(tree(process))
                }
                if elapsed() > timeLimit + grace { ended.forEach { kill($0, SIGKILL) } }
                usleep(ended.isEmpty ? 5000 : 50_000)
            }
            let timedOut = !ended.isEmpty
            ended.subtracting([process]).forEach { kill($0, SIGKILL) }
            let signal = status & 0x7f
            return Result(
                status: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
                output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
                errors: withoutNotices(String(decoding: try Data(contentsOf: errors), as: UTF8.self)),
                seconds: elapsed(), timedOut: timedOut)
        }
    }

    private func withoutNotices(_ errors: String) -> String {
        guard leavesOutNotices else { return errors }
        return errors.replacing("\0", with: "").replacing(/(?m)^-{60,}\n(?s:.*?)\n-{60,}\n/, with: "")
    }

    /// Seconds that a job has to end by itself when its time is up.
    private var grace: Double { 5 }

    private func spawn(output: URL, errors: URL) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.path, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.path, O_WRONLY | O_CREAT, 0o600)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        // A test's thread may block signals, and a child would inherit that.
        var unblocked = sigset_t()
        sigemptyset(&unblocked)
        posix_spawnattr_setsigmask(&attributes, &unblocked)
        posix_spawnattr_setpgroup(&attributes, 0)

        // posix_spawn has no portable way to change directory; env does.
        let program = directory == nil ? executable.path : "/usr/bin/env"
        let command =
            directory.map { [program, "-C", $0.path, executable.path] + arguments }
            ?? [program] + arguments
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var process: pid_t = 0
        let code = withCStrings(command) { command in
            withCStrings(variables) { posix_spawn(&process, program, &actions, &attributes, command, $0) }
        }
        guard code == 0 else {
            throw JobError(description: "cannot start \(executable.path): \(String(cString: strerror(code)))")
        }
        return process
    }
}

/// Why a job could not be started.
public struct JobError: Error, CustomStringConvertible {
    /// The cause in one line.
    public let description: String
}

extension TestSupport {
    /// `mpirun` in `PATH`; tests of several ranks are skipped where there is none.
    public static let mpirun: URL? = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").lazy.map { URL(filePath: String($0)).appending(path: "mpirun") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }()

    /// Whether `mpirun` can leave out its own notices, or put them elsewhere: that of Open MPI 5 cannot.
    public static let hasQuietMPI: Bool = {
        guard let mpirun, let version = try? Job(mpirun, ["--version"]).run() else { return false }
        return version.output.contains("(Open MPI) 4.")
    }()

    /// What makes `mpirun` leave out its own notices, where it can.
    public static let quietly = hasQuietMPI ? ["-q"] : []

    /// An executable of this package, built beside the tests.
    public static func product(_ name: String) -> URL {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name)
    }
}

/// A process and all it started that still runs.
private func tree(_ root: pid_t) -> Set<pid_t> {
    let processes = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    let parents = processes.compactMap { process -> (process: pid_t, parent: pid_t)? in
        // "pid (name) state parent ..."; the name may hold anything.
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")"),
            let parent = text[end...].split(separator: " ").dropFirst(2).first.flatMap({ pid_t($0) })
        else { return nil }
        return (process, parent)
    }
    var found: Set = [root]
    var count = 0
    while found.count > count {
        count = found.count
        for entry in parents where found.contains(entry.parent) { found.insert(entry.process) }
    }
    return found
}

private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}
