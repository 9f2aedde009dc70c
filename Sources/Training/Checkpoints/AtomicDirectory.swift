import Foundation

/// Writes a directory that appears under its name only when it is whole.
enum AtomicDirectory {
    /// Has `body` fill a temporary directory, flushes it, adds a manifest, and renames it to `destination`, which it
    /// replaces.
    ///
    /// - Throws: ``RunError/cannotWrite(_:reason:)``, or what `body` throws; the destination is then as it was.
    static func write(to destination: URL, _ body: (URL) throws -> Void) throws {
        let parent = destination.deletingLastPathComponent()
        let temporary = parent.appending(path: ".\(destination.lastPathComponent).partial")
        let files = FileManager.default
        do {
            try? files.removeItem(at: temporary)
            try files.createDirectory(at: temporary, withIntermediateDirectories: true)
            try body(temporary)
            try Manifest.write(for: temporary)
            for name in try files.subpathsOfDirectory(atPath: temporary.path) {
                try flush(temporary.appending(path: name))
            }
            try flush(temporary)
            if files.fileExists(atPath: destination.path) { try files.removeItem(at: destination) }
            guard rename(temporary.path, destination.path) == 0 else { throw systemError(destination) }
            try flush(parent)
        } catch let error as CocoaError {
            throw RunError.cannotWrite(destination.path, reason: error.localizedDescription)
        }
    }

    private static func flush(_ url: URL) throws {
        let descriptor = open(url.path, O_RDONLY)
        guard descriptor >= 0 else { throw systemError(url) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError(url) }
    }

    private static func systemError(_ url: URL) -> RunError {
        .cannotWrite(url.path, reason: String(cString: strerror(errno)))
    }
}
