import Foundation

/// A file that grows at its end, a whole record at a time.
package final class AppendOnlyFile {
    package let path: String
    /// Bytes written so far.
    package private(set) var length: UInt64
    private let handle: FileHandle

    /// Opens or creates a file; with `keeping`, cuts it back to that many bytes.
    ///
    /// - Throws: ``MetricsError`` where the file cannot be made or opened, or is shorter than `keeping`.
    package init(path: String, keeping: UInt64? = nil) throws {
        self.path = path
        let manager = FileManager.default
        do {
            let directory = URL(filePath: path).deletingLastPathComponent()
            try manager.createDirectory(at: directory, withIntermediateDirectories: true)
            if !manager.fileExists(atPath: path), !manager.createFile(atPath: path, contents: nil) {
                throw SystemError(errno)
            }
            handle = try FileHandle(forUpdating: URL(filePath: path))
            length = try handle.seekToEnd()
        } catch {
            throw MetricsError(
                path: path, problem: "cannot be opened: \(SystemError.reason(error))",
                remedy: "check that its directory can be written")
        }
        guard let keeping else { return }
        guard keeping <= length else {
            throw MetricsError(
                path: path, problem: "has \(length) bytes, but the checkpoint was made at \(keeping)",
                remedy: "put the file back that belongs to this run, or resume from an earlier checkpoint")
        }
        do {
            try handle.truncate(atOffset: keeping)
            length = keeping
        } catch {
            throw MetricsError(
                path: path, problem: "cannot be cut back: \(SystemError.reason(error))",
                remedy: "check its permissions")
        }
    }

    /// Appends bytes and hands them to the system.
    package func append(_ bytes: [UInt8]) throws {
        do {
            try handle.write(contentsOf: bytes)
            length += UInt64(bytes.count)
        } catch {
            throw MetricsError(
                path: path, problem: "cannot be written: \(SystemError.reason(error))",
                remedy: "check the space left on its disk")
        }
    }

    /// Waits until the disk has everything.
    package func synchronize() throws {
        do {
            try handle.synchronize()
        } catch {
            throw MetricsError(
                path: path, problem: "cannot be flushed: \(SystemError.reason(error))",
                remedy: "check the space left on its disk")
        }
    }
}
