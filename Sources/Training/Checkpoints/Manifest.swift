import CZlib
import Foundation

/// What a whole directory holds: each file's size and CRC-32, in `manifest.json`.
struct Manifest: Codable, Equatable {
    struct Entry: Codable, Equatable {
        var size: Int
        var crc32: UInt32
    }

    var files: [String: Entry]

    static let name = "manifest.json"

    /// Adds a manifest of all that lies in `directory`.
    static func write(for directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(try Manifest(scanning: directory)).write(to: directory.appending(path: name))
    }

    /// Checks that a directory holds what its manifest says.
    ///
    /// - Throws: ``RunError`` naming the file that is missing or differs.
    static func verify(_ directory: URL) throws {
        let manifest: Manifest
        do {
            manifest = try JSONDecoder().decode(
                Manifest.self, from: Data(contentsOf: directory.appending(path: name)))
        } catch {
            throw RunError.other("\(directory.path): no valid manifest.json; the directory is not whole")
        }
        for (file, entry) in manifest.files {
            guard try Entry(of: directory.appending(path: file)) == entry else {
                throw RunError.other("\(directory.appending(path: file).path): differs from the manifest")
            }
        }
    }

    private init(scanning directory: URL) throws {
        files = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: directory.path) where path != Self.name {
            let url = directory.appending(path: path)
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory), !isDirectory.boolValue {
                files[path] = try Entry(of: url)
            }
        }
    }
}

extension Manifest.Entry {
    init(of file: URL) throws {
        guard let handle = FileHandle(forReadingAtPath: file.path) else {
            throw RunError.other("\(file.path): missing or unreadable")
        }
        defer { try? handle.close() }
        var checksum = CZlib.crc32(0, nil, 0)
        var size = 0
        while let chunk = try handle.read(upToCount: 8 << 20), !chunk.isEmpty {
            size += chunk.count
            checksum = chunk.withUnsafeBytes {
                CZlib.crc32(checksum, $0.bindMemory(to: UInt8.self).baseAddress, UInt32($0.count))
            }
        }
        self.init(size: size, crc32: UInt32(checksum))
    }
}
