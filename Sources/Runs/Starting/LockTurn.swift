import Foundation

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
