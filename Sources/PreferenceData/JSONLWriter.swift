import Foundation
import JSON

/// Writes a JSONL file line by line; it appears under its name only when it is whole.
public final class JSONLWriter {
    private static let flushSize = 1 << 20

    private let file: OutputFile
    private var buffer: [UInt8] = []

    /// Starts a file that replaces `file` at ``finish()``, unless that is a device or FIFO.
    ///
    /// - Parameter inputs: Files that are read for what is written, which it may not replace.
    /// - Throws: ``DataError`` where it cannot be written.
    public init(_ file: URL, sparing inputs: [URL] = []) throws(DataError) {
        self.file = try OutputFile(file, sparing: inputs)
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
        try file.finish()
    }

    private func flush() throws(DataError) {
        try file.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}
