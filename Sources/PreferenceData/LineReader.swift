import Foundation

/// One line of a text file, without its line end.
enum Line {
    /// The line's bytes, valid only while the callback runs.
    case bytes(UnsafeRawBufferPointer)
    /// A line of more bytes than allowed; its text was not kept.
    case tooLong
}

/// Reads a file line by line in constant memory: plain or gzip, LF or CRLF, with or without a byte-order mark.
enum LineReader {
    /// The longest line by default, 64 MiB: past any example, short of a file that is not JSONL at all.
    static let maximumLength = 64 << 20

    /// Calls `body` with each line and its number from 1, blank lines included.
    /// - Throws: ``DataError`` for a file that is missing, damaged or known to be of another format, and what `body` throws.
    static func forEachLine(
        of file: URL, maximumLength: Int = maximumLength, _ body: (Int, Line) throws -> Void
    ) throws {
        let input = try InputFile(file)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { chunk.deallocate() }
        var lines = LineSplitter(maximumLength: maximumLength)
        var isStart = true
        while true {
            let count = try input.read(into: chunk)
            if count == 0 { break }
            if isStart, let format = FileFormat(startingWith: UnsafeRawBufferPointer(rebasing: chunk[..<count])) {
                throw DataError.format(path: file.relativePath, name: format.name, remedy: format.remedy)
            }
            isStart = false
            try lines.feed(UnsafeRawBufferPointer(rebasing: chunk[..<count]), body)
        }
        try lines.finish(body)
    }
}

private struct LineSplitter {
    let maximumLength: Int
    private var number = 0
    /// The start of a line whose end has not come yet.
    private var start: [UInt8] = []
    private var overflowed = false

    init(maximumLength: Int) { self.maximumLength = maximumLength }

    mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (Int, Line) throws -> Void) throws {
        var position = 0
        while let base = chunk.baseAddress, position < chunk.count {
            guard let end = memchr(base + position, 0x0A, chunk.count - position) else {
                keep(chunk[position...])
                return
            }
            let newline = UnsafeRawPointer(end) - base
            if start.isEmpty, !overflowed {
                try emit(UnsafeRawBufferPointer(rebasing: chunk[position..<newline]), body)
            } else {
                keep(chunk[position..<newline])
                try emitKept(body)
            }
            position = newline + 1
        }
    }

    /// The last line need not end in a line break.
    mutating func finish(_ body: (Int, Line) throws -> Void) throws {
        if !start.isEmpty || overflowed { try emitKept(body) }
    }

    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
        if overflowed || start.count + bytes.count > maximumLength {
            overflowed = true
            start = []
        } else {
            start.append(contentsOf: bytes)
        }
    }

    private mutating func emitKept(_ body: (Int, Line) throws -> Void) throws {
        let line = start
        start.removeAll(keepingCapacity: true)
        if overflowed {
            overflowed = false
            number += 1
            try body(number, .tooLong)
        } else {
            try line.withUnsafeBytes { try emit($0, body) }
        }
    }

    private mutating func emit(_ bytes: UnsafeRawBufferPointer, _ body: (Int, Line) throws -> Void) throws {
        number += 1
        guard bytes.count <= maximumLength else { return try body(number, .tooLong) }
        var line = bytes[...]
        if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
        if line.last == 0x0D { line = line.dropLast() }
        try body(number, .bytes(UnsafeRawBufferPointer(rebasing: line)))
    }
}
