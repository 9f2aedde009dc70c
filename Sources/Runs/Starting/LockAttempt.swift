import Foundation

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
