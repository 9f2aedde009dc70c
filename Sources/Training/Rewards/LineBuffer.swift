import Runs

/// Bytes as they come from a pipe, taken line by line.
package struct LineBuffer {
    /// What came and was not taken yet.
    private var bytes: [UInt8] = []
    private var start = 0
    /// Up to here there is no line end.
    private var scanned = 0

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
