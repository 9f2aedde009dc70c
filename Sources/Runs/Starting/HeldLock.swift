import Foundation

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
