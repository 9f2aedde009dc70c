import Foundation
import MPI

/// The one job that may write into a run directory: the file `run.lock` names it, and it touches the file while it lives.
///
/// The file comes into being with its contents, by a hard link, which is atomic on network file systems too. It is stale
/// when its owner ran on this machine and does not any more, or has not touched it for ``Timing/expiry``. A stale one is
/// moved aside and looked at again before another takes its place, so that of two jobs that find it, one wins.
package final class RunLock: Sendable {
    /// How often the owner shows that it lives, and after how long it counts as gone.
    package struct Timing: Sendable {
        /// Seconds between touches.
        package var heartbeat = 5.0
        /// Seconds without one.
        package var expiry = 120.0

        /// The times of a real run.
        package init() {}

        /// Times for a test.
        package init(heartbeat: Double, expiry: Double) { (self.heartbeat, self.expiry) = (heartbeat, expiry) }
    }

    /// Whom the lock was taken from, and why, for the person who watches; `nil` where it was free.
    package let note: String?
    package let owner: LockOwner
    private let file: URL
    private let contents: Data
    private let end = DispatchSemaphore(value: 0)

    /// Takes the lock of a run directory that exists.
    ///
    /// - Parameters:
    ///   - breaking: Whether to take it from an owner that lives, too.
    ///   - lost: Called from another thread, once, when somebody else has taken the lock.
    /// - Throws: ``RunLockError``
    package init(
        _ directory: URL, breaking: Bool, timing: Timing = Timing(), lost: @escaping @Sendable (RunLockError) -> Void
    ) throws {
        let owner = LockOwner.current()
        let file = Self.file(in: directory)
        let contents = try JSONEncoder().encode(owner)
        let attempt = LockAttempt(file: file, token: owner.token, contents: contents, expiry: timing.expiry)
        (self.owner, self.file, self.contents) = (owner, file, contents)
        let takeover = try attempt.take(breaking: breaking)
        note = takeover?.note
        Thread.detachNewThread { [end] in
            while end.wait(timeout: .now() + timing.heartbeat) == .timedOut {
                guard let error = Self.beat(file, contents) else { continue }
                lost(error)
                return
            }
        }
        // Until the job that it was taken from has looked, and ended, it may write.
        if takeover?.mayLive ?? false { Thread.sleep(forTimeInterval: 2 * timing.heartbeat) }
    }

    /// Gives the lock up, if it is still this process's.
    package func release() {
        end.signal()
        let turn = LockTurn(at: file.deletingLastPathComponent().path)
        defer { turn.end() }
        if let held = try? HeldLock(file), held.contents == contents { unlink(file.path) }
    }

    private static func file(in directory: URL) -> URL { RunDirectory(directory).lock }

    /// Touches the lock; returns what is wrong if it is another's now.
    private static func beat(_ file: URL, _ contents: Data) -> RunLockError? {
        let directory = file.deletingLastPathComponent().path
        // It is away for a moment while another job looks whether it is stale. A file system that fails may recover.
        for _ in 0..<3 {
            guard let held = try? HeldLock(file) else {
                guard !FileManager.default.fileExists(atPath: file.path) else { return nil }
                Thread.sleep(forTimeInterval: 0.3)
                continue
            }
            guard held.contents == contents else {
                return .lost(directory: directory, owner: held.ownerText)
            }
            utimensat(AT_FDCWD, file.path, nil, 0)
            return nil
        }
        return .lost(directory: directory, owner: nil)
    }
}

/// Why a job may not write into a run directory.
package enum RunLockError: Error, Sendable, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// Another job lives and holds it.
    case held(directory: String, owner: String)
    /// Another job has taken it from this one; `owner` is `nil` where the lock is gone.
    case lost(directory: String, owner: String?)
    /// The lock cannot be written.
    case cannotLock(String, reason: String)

    /// One line: what is wrong, and a way out.
    package var description: String {
        switch self {
        case .held(let directory, let owner):
            "\(directory): in use by \(owner); wait for it, end it, or take the directory from it with --break-lock"
        case .lost(let directory, let owner?):
            "\(directory): taken over by \(owner); this job ends, so that only one writes there"
        case .lost(let directory, nil):
            "\(directory): its run.lock was removed; this job ends, since another may write there"
        case .cannotLock(let path, let reason):
            "\(path): no lock can be written: \(reason); choose another output_dir, or check its permissions and space"
        }
    }

    /// 1 for a job that loses its directory on the way, 2 for one that never had it.
    package var exitStatus: Int32 {
        if case .lost = self { 1 } else { 2 }
    }
}
