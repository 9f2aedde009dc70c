import CZlib
import Foundation

/// What a whole directory holds: each file's size and CRC-32, in `manifest.json`.
package struct Manifest: Codable, Equatable {
    package struct Entry: Codable, Equatable {
        package var size: Int
        package var crc32: UInt32
    }

    package var files: [String: Entry]

    private static let name = "manifest.json"

    /// Adds a manifest of all that lies in `directory`.
    package static func write(for directory: URL) throws {
        var manifest = Manifest(files: [:])
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory.path) where path != name {
            let url = directory.appending(path: path)
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory), !isDirectory.boolValue {
                manifest.files[path] = try Entry(of: url)
            }
        }
        try manifest.encoded().write(to: directory.appending(path: name))
    }

    /// Takes a file that was added to a whole directory, or replaced in it, into its manifest.
    package static func include(_ file: String, in directory: URL) throws {
        var manifest = try read(from: directory)
        manifest.files[file] = try Entry(of: directory.appending(path: file))
        try DurableFiles.write(try manifest.encoded(), to: directory.appending(path: name))
    }

    /// What the manifest of a directory says of each file, by the file's path; empty where there is none.
    package static func entries(of directory: URL) -> [String: Entry] {
        guard let manifest = try? read(from: directory) else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: manifest.files.map { ("\(directory.path)/\($0)", $1) })
    }

    /// Checks that a directory holds what its manifest says.
    ///
    /// - Throws: ``ManifestError`` that says which file is missing or differs.
    package static func verify(_ directory: URL) throws(ManifestError) {
        let manifest = try read(from: directory)
        for (file, entry) in manifest.files.sorted(by: { $0.key < $1.key }) {
            // A manifest speaks of its own directory alone.
            guard !file.hasPrefix("/"), !file.split(separator: "/").contains("..") else {
                throw ManifestError(directory: directory, reason: "manifest.json names \(file.debugDescription)")
            }
            let found: Entry
            do {
                found = try Entry(of: directory.appending(path: file), expecting: entry.size)
            } catch {
                throw ManifestError(directory: directory, reason: "\(file) \(error)")
            }
            guard found == entry else {
                throw ManifestError(directory: directory, reason: "\(file) differs from the manifest")
            }
        }
    }

    private static func read(from directory: URL) throws(ManifestError) -> Manifest {
        let url = directory.appending(path: name)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw ManifestError(directory: directory, reason: "there is no manifest.json")
        }
        guard let data = try? Data(contentsOf: url), let manifest = try? JSONDecoder().decode(Self.self, from: data),
            !manifest.files.isEmpty
        else { throw ManifestError(directory: directory, reason: "manifest.json is damaged") }
        return manifest
    }

    private func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(self)
    }
}

/// What is wrong with a directory that should be whole.
package struct ManifestError: Error, CustomStringConvertible {
    package let directory: URL
    package let reason: String

    package init(directory: URL, reason: String) {
        self.directory = directory
        // A file's name may hold a line break.
        self.reason = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// `DIRECTORY: what is wrong`.
    package var description: String { "\(directory.path): \(reason)" }
}

extension Manifest.Entry {
    private struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// Size and checksum of a file.
    ///
    /// - Parameter expected: A file of another size is not read through.
    package init(of file: URL, expecting expected: Int? = nil) throws {
        let descriptor = open(file.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Unreadable(description: errno == ENOENT ? "is missing" : "cannot be read") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Unreadable(description: "is not a file")
        }
        size = Int(status.st_size)
        crc32 = 0
        guard expected == nil || expected == size else { return }
        let chunk = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.chunkBytes)
        defer { chunk.deallocate() }
        var checksum = CZlib.crc32(0, nil, 0)
        while true {
            let count = Foundation.read(descriptor, chunk, Self.chunkBytes)
            guard count >= 0 else { throw Unreadable(description: "cannot be read: \(SystemError(errno))") }
            if count == 0 { break }
            checksum = CZlib.crc32(checksum, chunk, UInt32(count))
        }
        crc32 = UInt32(truncatingIfNeeded: checksum)
    }

    private static let chunkBytes = 1 << 20
}
