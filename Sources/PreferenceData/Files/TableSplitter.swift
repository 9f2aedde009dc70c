import JSON

/// The rows of a table of text, such as CSV or TSV, under a line of column names (RFC 4180): a value in quotes may hold
/// separators, line breaks, and quotes written twice.
struct TableSplitter: RowSplitter {
    private let separator: UInt8
    private var row: RowBuffer
    private var place = Place.start
    /// The line that is read, and the one that the row began on.
    private var line = 1, firstLine = 1
    private var columns: TableColumns?
    /// Rows at the start, held back until they have said what the columns hold.
    private var sample: [(line: Int, row: TableRow)] = []
    private var sampleSize = 0

    /// Where the next byte stands: at the start of a value, in one without quotes, in one with them, or behind a quote in it.
    private enum Place {
        case start, plain, quoted, quote
    }

    /// How many rows and bytes are looked at for the types of columns.
    private static let sampleLimits = (rows: 1000, bytes: 1 << 20)

    init(separator: UInt8, maximumLength: Int) {
        self.separator = separator
        row = RowBuffer(maximumLength: maximumLength)
    }

    mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (Int, Row) throws -> Void) throws {
        var start = 0
        for index in chunk.indices {
            let byte = chunk[index]
            switch (place, byte) {
            case (.quoted, UInt8(ascii: "\"")): place = .quote
            case (.quoted, UInt8(ascii: "\n")): line += 1
            case (.quoted, _): break
            case (.quote, UInt8(ascii: "\"")), (.start, UInt8(ascii: "\"")): place = .quoted
            case (_, separator): place = .start
            case (_, UInt8(ascii: "\n")):
                line += 1
                try end(with: chunk[start..<index], body)
                start = index + 1
            default: place = .plain
            }
        }
        row.keep(chunk[start...])
    }

    mutating func finish(_ body: (Int, Row) throws -> Void) throws {
        if !row.isEmpty { try end(with: UnsafeRawBufferPointer(start: nil, count: 0)[...], body) }
        try handOutSample(body)
    }

    private mutating func end(
        with rest: Slice<UnsafeRawBufferPointer>, _ body: (Int, Row) throws -> Void
    ) throws {
        let number = firstLine
        (place, firstLine) = (.start, line)
        var ended: TableRow?
        try row.end(with: rest) { ended = TableRow($0, separator: separator) }
        guard let ended, !ended.isBlank else { return }
        guard let columns else {
            self.columns = try TableColumns(head: ended)
            return
        }
        guard columns.types == nil else { return try body(number, columns.row(ended)) }
        sample.append((number, ended))
        sampleSize += ended.size
        if sample.count >= Self.sampleLimits.rows || sampleSize >= Self.sampleLimits.bytes { try handOutSample(body) }
    }

    private mutating func handOutSample(_ body: (Int, Row) throws -> Void) throws {
        guard columns != nil, columns?.types == nil else { return }
        columns?.inferTypes(from: sample.map(\.row))
        let held = sample
        sample = []
        for (line, row) in held { if let columns { try body(line, columns.row(row)) } }
    }
}
