import Foundation
import Runs

/// Bytes as they come from a pipe, taken line by line.
package struct LineBuffer {
    /// What came and was not taken yet.
    private var bytes: [UInt8] = []
    private var start = 0
    /// Up to here there is no line end.
    private var scanned = 0
    /// How many lines with nothing on them were passed over.
    package private(set) var blankLines = 0

    package mutating func append(_ chunk: some Collection<UInt8>) {
        if start > 1 << 16 {
            bytes.removeFirst(start)
            (start, scanned) = (0, scanned - start)
        }
        bytes.append(contentsOf: chunk)
    }

    /// The next line that is whole and not blank, without its end.
    package mutating func next() -> ArraySlice<UInt8>? {
        while let end = bytes[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = bytes[start..<end]
            (start, scanned) = (end + 1, end + 1)
            if !Self.isBlank(line) { return line }
            blankLines += 1
        }
        scanned = bytes.count
        return nil
    }

    /// How many bytes are here that no taken line held.
    package var count: Int { bytes.count - start }

    /// Whether something other than blanks is here.
    package var hasText: Bool { !Self.isBlank(bytes[start...]) }

    /// All that is here, whether or not its line has ended.
    package var rest: ArraySlice<UInt8> { bytes[start...] }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
    }
}

/// The end of what a program wrote, in bounded memory.
package struct OutputTail {
    private static let kept = 4096
    private var bytes: [UInt8] = []

    package mutating func append(_ chunk: some RandomAccessCollection<UInt8>) {
        bytes.append(contentsOf: chunk.suffix(Self.kept))
        if bytes.count > 2 * Self.kept { bytes.removeFirst(bytes.count - Self.kept) }
    }

    /// The last lines that are not blank, joined to one line of at most 600 characters; empty where there are none.
    package var lastLines: String {
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(whereSeparator: \.isNewline)
            .map { line in
                let words = line.filter { !$0.unicodeScalars.contains { $0.value < 0x20 } }
                return String(words.drop(while: \.isWhitespace))
            }
            .filter { !$0.isEmpty }
        let text = lines.suffix(4).joined(separator: " | ")
        return text.count > 600 ? "…" + text.suffix(599) : text
    }
}

/// Writes to a pipe; where nobody reads it any more, that is `EPIPE` as a return code and not a signal that ends us.
///
/// The signal is held back on this thread for the time of the call and taken away if it came. Ignoring it for the whole
/// process would be one line, but the process belongs to MPI and to whoever embeds this code.
package func writeWithoutSignal(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> (count: Int, error: Int32) {
    var brokenPipe = sigset_t()
    var before = sigset_t()
    var pending = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    sigpending(&pending)
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

    let count = write(descriptor, bytes.baseAddress, bytes.count)
    let error = count < 0 ? errno : 0
    if error == EPIPE, sigismember(&pending, SIGPIPE) == 0 {
        var noTime = timespec()
        while sigtimedwait(&brokenPipe, nil, &noTime) < 0, errno == EINTR {}
    }
    return (count, error)
}
