import MPI

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
