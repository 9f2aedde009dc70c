import Foundation

/// The lines of a file, read piece by piece, so that a long one is never held as a whole and may grow or shrink meanwhile.
struct LineStream {
    /// One line without its newline, valid while it is looked at.
    struct Line {
        let bytes: UnsafeRawBufferPointer
        /// From 1.
        let number: Int
        /// Whether its newline was there: a writer that was cut short leaves a last line without one.
        let isWhole: Bool
    }

    private let descriptor: Int32

    /// Calls `body` with every line that is not empty.
    ///
    /// - Throws: ``ReportError`` where the file cannot be read.
    static func read(_ file: URL, _ body: (Line) -> Void) throws(ReportError) {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(file, errno) }
        defer { close(descriptor) }
        let code = LineStream(descriptor: descriptor).lines(body)
        guard code == 0 else { throw .unreadable(file, code) }
    }

    /// - Returns: The system's error, or 0.
    private func lines(_ body: (Line) -> Void) -> Int32 {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        // Bytes of a line whose end has not been read yet, at the start of the buffer.
        var held = 0
        var number = 0
        while true {
            if held == buffer.count { buffer.append(contentsOf: [UInt8](repeating: 0, count: buffer.count)) }
            let count = buffer.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress.map { $0 + held }, $0.count - held)
            }
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            if count == 0 { break }
            held = buffer.withUnsafeMutableBytes { bytes in
                Self.split(UnsafeRawBufferPointer(rebasing: bytes[..<(held + count)]), from: held, &number, body)
            }
        }
        if held > 0 {
            buffer.withUnsafeBytes {
                body(Line(bytes: .init(rebasing: $0[..<held]), number: number + 1, isWhole: false))
            }
        }
        return 0
    }

    /// Hands on the whole lines of a piece, moves what is left to its start, and returns how much that is.
    private static func split(
        _ bytes: UnsafeRawBufferPointer, from searched: Int, _ number: inout Int, _ body: (Line) -> Void
    ) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var (start, position) = (0, searched)
        while let found = memchr(base + position, 0x0A, bytes.count - position) {
            let end = UnsafeRawPointer(found) - base
            number += 1
            if end > start { body(Line(bytes: .init(rebasing: bytes[start..<end]), number: number, isWhole: true)) }
            (start, position) = (end + 1, end + 1)
        }
        memmove(UnsafeMutableRawPointer(mutating: base), base + start, bytes.count - start)
        return bytes.count - start
    }
}
