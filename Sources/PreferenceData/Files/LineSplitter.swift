import Foundation

/// The lines of a text, each a row; they end in LF or CRLF.
struct LineSplitter: RowSplitter {
    private var number = 0
    private var line: RowBuffer

    init(maximumLength: Int) { line = RowBuffer(maximumLength: maximumLength) }

    mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (Int, Row) throws -> Void) throws {
        var position = 0
        while let base = chunk.baseAddress, position < chunk.count {
            guard let end = memchr(base + position, 0x0A, chunk.count - position) else {
                line.keep(chunk[position...])
                return
            }
            let newline = UnsafeRawPointer(end) - base
            try emit(chunk[position..<newline], body)
            position = newline + 1
        }
    }

    /// The last line need not end in a line break.
    mutating func finish(_ body: (Int, Row) throws -> Void) throws {
        if !line.isEmpty { try emit(UnsafeRawBufferPointer(start: nil, count: 0)[...], body) }
    }

    private mutating func emit(
        _ rest: Slice<UnsafeRawBufferPointer>, _ body: (Int, Row) throws -> Void
    ) throws {
        number += 1
        try line.end(with: rest) { row in
            guard case .text(let text) = row, text.last == 0x0D else { return try body(number, row) }
            try body(number, .text(UnsafeRawBufferPointer(rebasing: text.dropLast())))
        }
    }
}
