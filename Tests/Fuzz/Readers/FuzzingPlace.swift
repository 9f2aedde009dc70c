import Foundation

/// A directory, in memory where the system has such, that holds what a reader is to read.
package struct FuzzingPlace: Sendable {
    package let directory: URL

    /// An empty directory; ``remove()`` ends it.
    package init() throws {
        let memory = URL(filePath: "/dev/shm")
        let parent =
            FileManager.default.isWritableFile(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
        directory = parent.appending(path: "mpo-fuzz-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    package func remove() { try? FileManager.default.removeItem(at: directory) }

    /// Puts bytes into a file of the directory.
    func file(_ name: String, _ bytes: [UInt8]) -> URL {
        let url = directory.appending(path: name)
        if name.contains("/") {
            try? FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        }
        let descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(descriptor >= 0, "cannot open \(url.path)")
        defer { close(descriptor) }
        precondition(write(descriptor, bytes, bytes.count) == bytes.count, "cannot write \(url.path)")
        return url
    }

    /// Puts a fixture beside what a reader is to read.
    func link(_ name: String, to fixture: URL) {
        let url = directory.appending(path: name)
        guard !FileManager.default.fileExists(atPath: url.path) else { return }
        try? FileManager.default.createSymbolicLink(at: url, withDestinationURL: fixture)
    }
}
