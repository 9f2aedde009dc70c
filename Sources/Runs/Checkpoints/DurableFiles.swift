import Foundation
import Torch

/// Writing that the disk has when it returns.
package enum DurableFiles {
    /// Replaces a file by `data` in one step.
    ///
    /// - Throws: ``RunError/cannotWrite(_:reason:)``; the file is then as it was.
    package static func write(_ data: Data, to file: URL) throws {
        let temporary = file.deletingLastPathComponent().appending(path: ".\(file.lastPathComponent).partial")
        do {
            try data.write(to: temporary)
            try flush(temporary)
            try rename(temporary, to: file)
            try flush(entriesOf: file.deletingLastPathComponent())
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            throw RunError.writing(file, failed: error)
        }
    }

    /// Waits until the disk has a file, or a directory with all in it.
    package static func flush(_ url: URL) throws {
        for name in (try? FileManager.default.subpathsOfDirectory(atPath: url.path)) ?? [] {
            try flush(entriesOf: url.appending(path: name))
        }
        try flush(entriesOf: url)
    }

    /// Waits until the disk has a file's contents or the names in a directory.
    package static func flush(entriesOf url: URL) throws {
        let descriptor = open(url.path, O_RDONLY)
        guard descriptor >= 0 else { throw SystemError(errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError(errno) }
    }

    /// Gives a file or directory another name.
    package static func rename(_ url: URL, to other: URL) throws {
        guard Foundation.rename(url.path, other.path) == 0 else { throw SystemError(errno) }
    }
}

/// What a system call failed with.
package struct SystemError: Error, CustomStringConvertible {
    package let code: Int32

    package init(_ code: Int32) { self.code = code }

    /// In plain words: "No space left on device".
    package var description: String { String(cString: strerror(code)) }

    /// Why something failed, in the system's words where it gave a reason.
    package static func reason(_ error: any Error) -> String { (error as? CocoaError)?.plainWords ?? "\(error)" }
}

extension RunError {
    /// The error that says in one line that `destination` could not be written, and why; errors that are no system's are
    /// handed on as they are.
    package static func writing(_ destination: URL, failed error: any Error) -> any Error {
        switch error {
        case let error as SystemError: RunError.cannotWrite(destination.path, reason: error.description)
        case let error as CocoaError: RunError.cannotWrite(destination.path, reason: SystemError.reason(error))
        case let error as SafetensorsError: RunError.cannotWrite(destination.path, reason: error.reason)
        default: error
        }
    }
}

extension CocoaError {
    /// The system's words where it gave a reason, else Foundation's.
    fileprivate var plainWords: String {
        if let code = underlying as? POSIXError { return SystemError(code.code.rawValue).description }
        switch self.code {
        case .fileWriteOutOfSpace: return SystemError(ENOSPC).description
        case .fileWriteNoPermission: return SystemError(EACCES).description
        case .fileWriteVolumeReadOnly: return SystemError(EROFS).description
        case .fileWriteFileExists: return SystemError(EEXIST).description
        default: return localizedDescription.replacing("\n", with: " ")
        }
    }
}
