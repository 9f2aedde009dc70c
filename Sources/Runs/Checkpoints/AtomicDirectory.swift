import Foundation

/// Writes a directory that appears under its name only when it is whole, and replaces one only then.
package enum AtomicDirectory {
    /// Has `body` fill a temporary directory, flushes it, adds a manifest, and renames it to `destination`.
    ///
    /// One that is there is renamed aside first and removed last: whenever the process ends, one of the two is whole, and
    /// ``recover(in:)`` puts it in its place.
    ///
    /// - Throws: ``RunError/cannotWrite(_:reason:)`` where the system refuses, or what `body` throws; the destination is
    ///   then as it was, and the temporary directory is gone.
    package static func write(to destination: URL, _ body: (URL) throws -> Void) throws {
        let temporary = sibling(destination, partial)
        let files = FileManager.default
        do {
            try? files.removeItem(at: temporary)
            try files.createDirectory(at: temporary, withIntermediateDirectories: true)
            try body(temporary)
            try Manifest.write(for: temporary)
            try DurableFiles.flush(temporary)
            try replace(destination, by: temporary)
        } catch {
            try? files.removeItem(at: temporary)
            throw RunError.writing(destination, failed: error)
        }
    }

    /// Tidies up after a process that ended while it wrote: what is not whole goes, what was set aside comes back where
    /// nothing has taken its place.
    package static func recover(in directory: URL) {
        let files = FileManager.default
        for name in (try? files.contentsOfDirectory(atPath: directory.path)) ?? [] where name.hasPrefix(".") {
            let url = directory.appending(path: name)
            if name.hasSuffix(partial) {
                try? files.removeItem(at: url)
            } else if name.hasSuffix(replaced) {
                let original = directory.appending(path: String(name.dropFirst().dropLast(replaced.count)))
                if files.fileExists(atPath: original.path) {
                    try? files.removeItem(at: url)
                } else {
                    try? files.moveItem(at: url, to: original)
                }
            }
        }
    }

    /// Whether a name is that of a directory or file which was not written to its end.
    package static func isPartial(_ name: String) -> Bool { name.hasPrefix(".") && name.hasSuffix(partial) }

    private static let (partial, replaced) = (".partial", ".replaced")

    private static func sibling(_ url: URL, _ suffix: String) -> URL {
        url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent)\(suffix)")
    }

    private static func replace(_ destination: URL, by temporary: URL) throws {
        let aside = sibling(destination, replaced)
        if FileManager.default.fileExists(atPath: destination.path) {
            try? FileManager.default.removeItem(at: aside)
            try DurableFiles.rename(destination, to: aside)
        }
        do {
            try DurableFiles.rename(temporary, to: destination)
        } catch {
            _ = try? DurableFiles.rename(aside, to: destination)
            throw error
        }
        try DurableFiles.flush(entriesOf: destination.deletingLastPathComponent())
        try? FileManager.default.removeItem(at: aside)
    }
}
