import Foundation

/// Writes a JSONL file line by line; it appears under its name only when it is whole.
public final class JSONLWriter {
    private static let flushSize = 1 << 20

    private let file: URL
    private let temporary: URL
    private let handle: FileHandle
    private var buffer: [UInt8] = []
    private var isOpen = true

    /// Starts a file that replaces `file` at ``finish()``.
    /// - Throws: ``DataError/system(path:reason:)`` where its directory cannot be written.
    public init(_ file: URL) throws(DataError) {
        self.file = file
        temporary = file.deletingLastPathComponent().appending(path: ".\(file.lastPathComponent).partial")
        guard FileManager.default.createFile(atPath: temporary.path, contents: nil),
            let handle = FileHandle(forWritingAtPath: temporary.path)
        else {
            throw .system(path: file.relativePath, reason: "cannot be written (\(String(cString: strerror(errno))))")
        }
        self.handle = handle
    }

    deinit {
        guard isOpen else { return }
        try? handle.close()
        try? FileManager.default.removeItem(at: temporary)
    }

    /// Adds one line.
    public func write(_ object: JSONObject) throws(DataError) {
        JSON.object(object).write(to: &buffer)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.flushSize { try flush() }
    }

    /// Flushes the file to disk and gives it its name.
    public func finish() throws(DataError) {
        try flush()
        try system {
            try handle.synchronize()
            try handle.close()
        }
        isOpen = false
        guard rename(temporary.path, file.path) == 0 else {
            throw .system(path: file.relativePath, reason: String(cString: strerror(errno)))
        }
    }

    private func flush() throws(DataError) {
        try system { try handle.write(contentsOf: buffer) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func system(_ body: () throws -> Void) throws(DataError) {
        do {
            try body()
        } catch {
            throw .system(path: file.relativePath, reason: "cannot be written (\(error.localizedDescription))")
        }
    }
}
