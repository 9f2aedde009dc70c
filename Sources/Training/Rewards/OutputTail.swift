import Runs

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
