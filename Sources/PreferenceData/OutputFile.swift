import Foundation

/// A file that is written from start to end, and appears under its name only when it is whole.
///
/// What is no plain file stays what it is: a device or FIFO gets the bytes as they come, and where the name is a link, the
/// file that it leads to is replaced.
public final class OutputFile {
    private let name: String
    private let descriptor: Int32
    /// `nil` for what is written in place.
    private let replacement: Replacement?
    /// Whether others write there too, as into standard output.
    private let isShared: Bool
    private var isOpen = true
    private var isEmpty = true

    /// A file that takes another's place when it is whole.
    private struct Replacement {
        var temporary: String
        var target: String
    }

    /// Starts to write.
    ///
    /// - Parameter inputs: Files that are read for what is written, which it may not replace.
    /// - Throws: ``DataError/system(path:reason:)`` where the system refuses; ``DataError/configuration(key:reason:)`` for a
    ///   directory, a disk, or one of `inputs`.
    public init(_ file: URL, sparing inputs: [URL] = []) throws(DataError) {
        name = file.relativePath
        var status = stat()
        let exists = stat(file.path, &status) == 0
        // A link that leads back to itself leads to no file that could take its place.
        if !exists, errno == ELOOP { throw .unwritable(name, ELOOP) }
        if exists, inputs.contains(where: { Self.isFile($0, status) }) {
            throw .configuration(key: name, reason: "is read too, and would be lost; choose another file to write")
        }
        let own = Self.ownDescriptor(file.path)
        isShared = own != nil
        if let own {
            (descriptor, replacement) = (fcntl(own, F_DUPFD_CLOEXEC, 3), nil)
        } else if exists, status.st_mode & S_IFMT != S_IFREG {
            try Self.checkKind(status.st_mode & S_IFMT, name)
            (descriptor, replacement) = (open(file.path, O_WRONLY | O_CLOEXEC | O_NOCTTY), nil)
        } else {
            let target = Self.target(of: file.path)
            let temporary = Self.temporary(beside: target)
            let new = Self.isMountPoint(target, status, exists) ? -1 : Self.create(temporary)
            if new >= 0 {
                if exists { Self.keep(status, of: new) }
                (descriptor, replacement) = (new, Replacement(temporary: temporary, target: target))
            } else {
                // Its directory takes no other file.
                (descriptor, replacement) = (Self.create(target), nil)
            }
        }
        guard descriptor >= 0 else { throw .unwritable(name, errno) }
    }

    deinit {
        guard isOpen else { return }
        close(descriptor)
        if let replacement { unlink(replacement.temporary) }
    }

    /// Adds bytes.
    public func write(_ bytes: some ContiguousBytes) throws(DataError) {
        empty()
        let code = bytes.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
                let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
                if count >= 0 { start += count }
                if count < 0, errno != EINTR { return errno }
            }
            return 0
        }
        guard code == 0 else { throw .unwritable(name, code) }
    }

    /// Flushes the file to disk and gives it its name.
    public func finish() throws(DataError) {
        empty()
        // What is no file of a disk cannot be flushed.
        let isFlushed = fsync(descriptor) == 0 || [EINVAL, EROFS, ENOTSUP].contains(errno)
        guard isFlushed else { throw .unwritable(name, errno) }
        isOpen = false
        var code = close(descriptor) == 0 ? 0 : errno
        if let replacement {
            if code == 0, rename(replacement.temporary, replacement.target) != 0 { code = errno }
            if code != 0 { unlink(replacement.temporary) }
        }
        guard code == 0 else { throw .unwritable(name, code) }
    }

    /// Writes a file as a whole.
    public static func write(_ data: Data, to file: URL, sparing inputs: [URL] = []) throws(DataError) {
        let output = try OutputFile(file, sparing: inputs)
        try output.write(data)
        try output.finish()
    }

    /// Finds out, before the work whose result it is to hold, whether a file can be written; leaves it as it is.
    public static func check(_ file: URL, sparing inputs: [URL] = []) throws(DataError) {
        var status = stat()
        // To open a FIFO and close it again tells its reader that all was written.
        if stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO, access(file.path, W_OK) == 0 { return }
        _ = try OutputFile(file, sparing: inputs)
    }

    /// What is written in place may have held something else, up to the first byte.
    private func empty() {
        if isEmpty, !isShared { ftruncate(descriptor, 0) }
        isEmpty = false
    }
}

extension OutputFile {
    private static func isFile(_ input: URL, _ status: stat) -> Bool {
        var other = stat()
        return stat(input.path, &other) == 0 && other.st_ino == status.st_ino && other.st_dev == status.st_dev
    }

    /// The number in `/dev/fd/63`, which names what this process has open already; `nil` for any other path.
    private static func ownDescriptor(_ path: String) -> Int32? {
        if path == "/dev/stdout" { return STDOUT_FILENO }
        if path == "/dev/stderr" { return STDERR_FILENO }
        let folder = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix)
        return folder.flatMap { Int32(path.dropFirst($0.count)) }
    }

    private static func checkKind(_ kind: mode_t, _ name: String) throws(DataError) {
        switch kind {
        case S_IFDIR: throw .configuration(key: name, reason: "is a directory; name a file in it")
        case S_IFBLK: throw .configuration(key: name, reason: "is a disk, all of which would be lost; name a file")
        default: break
        }
    }

    /// Where a name leads in the end, by links of which the last may lead to nothing yet.
    private static func target(of path: String) -> String {
        var target = path
        // As many as the kernel follows.
        for _ in 0..<40 {
            guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: target) else { break }
            target = link.hasPrefix("/") ? link : (target as NSString).deletingLastPathComponent + "/" + link
        }
        return target
    }

    private static func temporary(beside target: String) -> String {
        let target = target as NSString
        return (target.deletingLastPathComponent as NSString).appendingPathComponent(
            ".\(target.lastPathComponent).partial")
    }

    /// Whether a file of its own is mounted at the name, as containers have it, whose place no other can take.
    private static func isMountPoint(_ target: String, _ status: stat, _ exists: Bool) -> Bool {
        let parent = (target as NSString).deletingLastPathComponent
        var other = stat()
        return exists && stat(parent.isEmpty ? "." : parent, &other) == 0 && other.st_dev != status.st_dev
    }

    private static func create(_ path: String) -> Int32 { open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666) }

    /// Gives the new file what the old one has of owner and permissions, as far as we may.
    private static func keep(_ status: stat, of descriptor: Int32) {
        _ = fchown(descriptor, status.st_uid, status.st_gid)
        _ = fchmod(descriptor, status.st_mode & 0o7777)
    }
}

extension DataError {
    /// What cannot be written, with the system's reason.
    fileprivate static func unwritable(_ name: String, _ code: Int32) -> DataError {
        .system(path: name, reason: "cannot be written: \(String(cString: strerror(code)))")
    }
}
