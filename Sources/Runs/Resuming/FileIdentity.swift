import Foundation

/// What a file holds, as size and CRC-32, and the marks by which it is known again without being read.
package struct FileIdentity: Codable, Equatable {
    /// As the configuration names it.
    package var path: String
    package var contents: Manifest.Entry
    package var stamp: Stamp

    /// What the file system says of a file; it changes when the file is written or replaced.
    package struct Stamp: Codable, Equatable {
        package var size: Int
        /// Nanoseconds since 1970.
        package var modified: Int
        package var inode: UInt64
    }

    /// Files of at least so many bytes are not read again while their stamp is the one that was noted.
    ///
    /// Smaller files are always read, so that no trick with times hides a change.
    package static let sizeOfTrust = 64 << 20

    /// Reads a file through, or takes the contents from what is known of it where the stamp is the same.
    ///
    /// - Parameter written: What this run has just written there; taken where the size is the same.
    /// - Throws: ``RunError/other(_:)`` for a file that cannot be read.
    package init(
        path: String, knowing known: FileIdentity?, trustingFrom size: Int = sizeOfTrust,
        written: Manifest.Entry? = nil
    ) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw RunError.other("\(path): \(String(cString: strerror(errno)))")
        }
        self.path = path
        stamp = Stamp(
            size: Int(status.st_size), modified: status.modified,
            inode: UInt64(status.st_ino))
        if let known, known.stamp == stamp, stamp.size >= size {
            contents = known.contents
        } else if let written, written.size == stamp.size {
            contents = written
        } else {
            do {
                contents = try Manifest.Entry(of: URL(filePath: path))
            } catch {
                throw RunError.other("\(path): cannot be read: \(error)")
            }
        }
    }

    /// How the contents differ from what they were under the same key; `nil` where they are the same.
    package func difference(from earlier: FileIdentity) -> String? {
        guard contents != earlier.contents else { return nil }
        guard contents.size == earlier.contents.size else {
            return "\(path): \(earlier.contents.size) bytes then, \(contents.size) now"
        }
        return "\(path): CRC-32 \(earlier.contents.checksumText) then, \(contents.checksumText) now"
    }
}

extension Manifest.Entry {
    /// Size and checksum in words.
    package var text: String { "\(size) bytes, CRC-32 \(checksumText)" }

    /// The checksum in eight hexadecimal digits.
    package var checksumText: String {
        let digits = String(crc32, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
