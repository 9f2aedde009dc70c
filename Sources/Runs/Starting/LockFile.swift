import Foundation
import MPI

/// One process's attempt at a lock file.
package struct LockAttempt {
    package let file: URL
    package let token: String
    package let contents: Data
    /// Seconds without a sign of life after which an owner counts as gone.
    package let expiry: Double

    /// From whom a lock was taken.
    package struct Takeover {
        /// Who it was, for the person who watches.
        package var note: String
        /// Whether the owner may be at work until it looks at its lock again.
        package var mayLive: Bool
    }

    /// Takes the lock; returns `nil` where it was free.
    ///
    /// - Throws: ``RunLockError``
    package func take(breaking: Bool) throws -> Takeover? {
        let turn = LockTurn(at: directory)
        defer { turn.end() }
        let own = beside("new")
        let now = try write(own)
        defer { unlink(own.path) }
        var takeover: Takeover?
        // More rounds than one where others give the lock up or take it at the same time.
        for _ in 0..<8 {
            if try place(own) { return takeover }
            guard let held = try HeldLock(file) else { continue }
            let isStale = held.isStale(now: now, expiry: Int(expiry * 1e9))
            guard isStale || breaking else { throw RunLockError.held(directory: directory, owner: held.ownerText) }
            if try displace(held) {
                let why = isStale ? "stale" : "broken as asked"
                takeover = Takeover(
                    note: "\(directory): the lock of \(held.ownerText) is \(why), taken over", mayLive: !isStale)
            }
        }
        throw RunLockError.held(directory: directory, owner: try HeldLock(file)?.ownerText ?? "another job")
    }

    private var directory: String { file.deletingLastPathComponent().path }

    /// A file of this attempt alone.
    private func beside(_ role: String) -> URL {
        file.deletingLastPathComponent().appending(path: ".run.lock.\(token).\(role)")
    }

    /// Writes the contents under a name of their own, and returns the file system's time.
    private func write(_ own: URL) throws -> Int {
        let descriptor = open(own.path, O_WRONLY | O_CREAT | O_EXCL, 0o644)
        guard descriptor >= 0 else { throw RunLockError.cannotLock(directory, reason: systemReason()) }
        defer { close(descriptor) }
        var status = stat()
        let written = contents.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        guard written == contents.count, fsync(descriptor) == 0, fstat(descriptor, &status) == 0 else {
            let reason = systemReason()
            unlink(own.path)
            throw RunLockError.cannotLock(directory, reason: reason)
        }
        return status.modified
    }

    /// Gives the written file the lock's name, if nobody has it.
    private func place(_ own: URL) throws -> Bool {
        if link(own.path, file.path) == 0 { return true }
        let (code, reason) = (errno, systemReason())
        // The answer of a network file system can get lost after the link was made: the count tells.
        var status = stat()
        if stat(own.path, &status) == 0, status.st_nlink == 2 { return true }
        if [EPERM, ENOTSUP, ENOSYS, EMLINK].contains(code) { return try placeWithoutLinks() }
        guard code == EEXIST else { throw RunLockError.cannotLock(directory, reason: reason) }
        return false
    }

    /// For file systems that have no hard links: others may see the file before its contents.
    private func placeWithoutLinks() throws -> Bool {
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_EXCL, 0o644)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw RunLockError.cannotLock(directory, reason: systemReason()) }
            return false
        }
        defer { close(descriptor) }
        let written = contents.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        guard written == contents.count, fsync(descriptor) == 0 else {
            throw RunLockError.cannotLock(directory, reason: systemReason())
        }
        return true
    }

    /// Moves a lock aside; `false` where it was not there any more, or has become another's, which gets it back.
    private func displace(_ held: HeldLock) throws -> Bool {
        let aside = beside("old")
        guard rename(file.path, aside.path) == 0 else {
            guard errno == ENOENT else { throw RunLockError.cannotLock(directory, reason: systemReason()) }
            return false
        }
        defer { unlink(aside.path) }
        guard try HeldLock(aside)?.contents == held.contents else {
            link(aside.path, file.path)
            return false
        }
        return true
    }
}

/// A lock file as another process left it.
package struct HeldLock {
    /// Its bytes, by which a later look knows it again.
    package let contents: Data
    /// `nil` for a file that is damaged or being written.
    package let owner: LockOwner?
    /// When its owner last touched it, in nanoseconds by the clock of the file system.
    package let touched: Int

    /// Reads a lock file; `nil` where there is none.
    package init?(_ file: URL) throws {
        let descriptor = open(file.path, O_RDONLY)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw RunLockError.cannotLock(file.path, reason: systemReason()) }
            return nil
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw RunLockError.cannotLock(file.path, reason: systemReason())
        }
        contents = (try handle.read(upToCount: 1 << 16)) ?? Data()
        owner = try? JSONDecoder().decode(LockOwner.self, from: contents)
        touched = status.modified
    }

    /// Whether its owner is gone: it ran here and does not any more, or it has not touched the file for long.
    ///
    /// - Parameters:
    ///   - now: The clock of the file system, so that clocks of hosts need not agree.
    ///   - expiry: Nanoseconds without a sign of life.
    package func isStale(now: Int, expiry: Int) -> Bool {
        if let isAlive = owner?.isAlive { return !isAlive }
        return now - touched > expiry
    }

    /// Who holds it, in one line.
    package var ownerText: String {
        guard let owner else { return "a process that did not write its name" }
        return owner.text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

extension stat {
    /// When the file was last written or touched, in nanoseconds since 1970.
    package var modified: Int { st_mtim.tv_sec * 1_000_000_000 + st_mtim.tv_nsec }
}

/// The reason of the system call that failed last.
package func systemReason() -> String { String(cString: strerror(errno)) }

/// The process that holds a run directory.
package struct LockOwner: Codable, Equatable {
    /// Tells this holding from every other.
    package var token: String
    package var host: String
    /// The kernel's boot and the process namespace: process ids mean the same only within both.
    package var machine: String
    package var process: Int32
    /// When the process started, in the kernel's ticks, since ids are used again.
    package var processStart: UInt64
    /// The scheduler's id of the job; `nil` where no scheduler is known.
    package var job: String?
    /// Seconds since 1970.
    package var since: Double

    /// This process, under a new token.
    package static func current() -> LockOwner {
        let process = getpid()
        return LockOwner(
            token: UUID().uuidString, host: LaunchEnvironment.hostName, machine: thisMachine, process: process,
            processStart: start(of: process) ?? 0, job: scheduledJob(ProcessInfo.processInfo.environment),
            since: Date().timeIntervalSince1970)
    }

    /// Whether the process lives; `nil` where that cannot be known from here.
    package var isAlive: Bool? {
        guard host == LaunchEnvironment.hostName, machine == Self.thisMachine else { return nil }
        return Self.start(of: process) == processStart
    }

    /// `process 4711 on node3 (Slurm job 42), since 2026-01-31 09:00:00 UTC`.
    package var text: String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "yyyy-MM-dd HH:mm:ss"
        let job = job.map { " (\($0))" } ?? ""
        return
            "process \(process) on \(host)\(job), since \(format.string(from: Date(timeIntervalSince1970: since))) UTC"
    }

    /// The job that a scheduler's variables name.
    package static func scheduledJob(_ environment: [String: String]) -> String? {
        let variables = [
            ("SLURM_JOB_ID", "Slurm"), ("PBS_JOBID", "PBS"), ("LSB_JOBID", "LSF"), ("FLUX_JOB_ID", "Flux"),
        ]
        return variables.lazy.compactMap { name, scheduler in
            environment[name].map { "\(scheduler) job \($0)" }
        }.first
    }

    private static let thisMachine: String = {
        let boot = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? ""
        let processes = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""
        return boot.trimmingCharacters(in: .whitespacesAndNewlines) + " " + processes
    }()

    /// When a process started; `nil` where it does not run, a zombie included.
    private static func start(of process: Int32) -> UInt64? {
        // "pid (name) state parent ..."; the name may hold anything, and the start is the 22nd field.
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[end...].split(separator: " ").dropFirst()
        guard fields.count > 19, let state = fields.first, state != "Z", state != "X" else { return nil }
        return UInt64(fields[fields.startIndex + 19])
    }
}

/// Lets the attempts of one machine at a directory's lock, and its releases, go one after the other.
///
/// Of three that find a stale lock, the second could otherwise move aside what the first has just placed, and the third
/// place its own before that is back. Where the file system has no such turns, on network file systems above all, that stays
/// possible for a moment, and the owner's next look at its lock ends one of the two jobs.
package struct LockTurn {
    private let descriptor: Int32

    /// Waits for its turn, but not for ever: one that was stopped in the middle does not hold up everybody else.
    package init(at directory: String) {
        descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        for _ in 0..<1000 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return }
            usleep(10_000)
        }
    }

    package func end() {
        if descriptor >= 0 { close(descriptor) }
    }
}
