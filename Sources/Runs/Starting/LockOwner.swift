import Foundation
import MPI

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
