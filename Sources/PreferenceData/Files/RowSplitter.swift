/// Cuts text into rows as it comes.
protocol RowSplitter {
    /// Goes on with `chunk`, and hands out the rows that end in it, each with its number.
    ///
    /// - Throws: ``RowSplitterError``, and what `body` throws.
    mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (Int, Row) throws -> Void) throws
    /// Hands out what the end of the text ends.
    mutating func finish(_ body: (Int, Row) throws -> Void) throws
}

/// Why a whole text is not in its format.
struct RowSplitterError: Error {
    let problem: String
    let remedy: String
}

/// The start of a row whose end has not come yet; no more of it than is allowed.
struct RowBuffer {
    private let maximumLength: Int
    private var bytes: [UInt8] = []
    private var isTooLong = false

    init(maximumLength: Int) { self.maximumLength = maximumLength }

    /// Whether nothing of a row has come.
    var isEmpty: Bool { bytes.isEmpty && !isTooLong }

    /// Takes a part of the row in.
    mutating func keep(_ part: Slice<UnsafeRawBufferPointer>) {
        if isTooLong || bytes.count + part.count > maximumLength {
            isTooLong = true
            bytes = []
        } else {
            bytes.append(contentsOf: part)
        }
    }

    /// Hands out the row, which ends with `part`, and is empty again.
    mutating func end(with part: Slice<UnsafeRawBufferPointer>, _ body: (Row) throws -> Void) throws {
        if isEmpty, part.count <= maximumLength {
            return try body(.text(UnsafeRawBufferPointer(rebasing: part)))
        }
        keep(part)
        let row = bytes
        bytes.removeAll(keepingCapacity: true)
        if isTooLong {
            isTooLong = false
            try body(.tooLong)
        } else {
            try row.withUnsafeBytes { try body(.text($0)) }
        }
    }
}
