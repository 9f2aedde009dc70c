import Foundation
import JSON

/// One row of a file, before it is known to be a record.
enum Row {
    /// JSON text, valid only while the callback runs.
    case text(UnsafeRawBufferPointer)
    /// What a format other than JSON says.
    case object(JSONObject)
    /// A row of more bytes than allowed; its text was not kept.
    case tooLong
    /// A row that does not keep to its format, and why.
    case bad(String)
}

/// Reads the rows of a file in any format that is read, in memory for some of them at a time.
enum RowReader {
    /// The longest row by default, 64 MiB: past any example, short of a file that is no data at all.
    static let maximumLength = 64 << 20

    /// Calls `body` with each row and where it stands.
    ///
    /// - Parameter columns: Which columns hold what records are read from.
    /// - Throws: ``DataError`` for a file that is missing, damaged or in a format that is not read, and what `body` throws.
    static func forEachRow(
        of file: URL, maximumLength: Int = maximumLength, columns: ColumnNames = ColumnNames(),
        _ body: (RecordSource, Row) throws -> Void
    ) throws {
        let input = try InputFile(file)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { chunk.deallocate() }
        // The whole of it, since a format is told by more than the few bytes that a decompressor may begin with.
        var count = try input.fill(chunk)
        let start = UnsafeRawBufferPointer(rebasing: chunk[..<count])
        let format = FileFormat(
            startingWith: start, columns: Set(columns.names.values),
            isTable: DataFileName.isTable(file.lastPathComponent), isLines: DataFileName.isLines(file.lastPathComponent)
        )
        if case .arrow(let format) = format {
            return try ArrowRows.read(file, format, compression: input.compression, maximumLength, body)
        }
        var splitter = try splitter(for: format, of: file, maximumLength)
        let unit = format.unit
        let visit = { try body(RecordSource(file: file.relativePath, line: $0, unit: unit), $1) }
        do {
            let mark = start.starts(with: byteOrderMark) ? byteOrderMark.count : 0
            try splitter.feed(UnsafeRawBufferPointer(rebasing: start[mark...]), visit)
            while count > 0 {
                count = try input.read(into: chunk)
                try splitter.feed(UnsafeRawBufferPointer(rebasing: chunk[..<count]), visit)
            }
            try splitter.finish(visit)
        } catch let error as RowSplitterError {
            throw DataError.unusable(path: file.relativePath, problem: error.problem, remedy: error.remedy)
        }
    }

    private static func splitter(
        for format: FileFormat, of file: URL, _ maximumLength: Int
    ) throws(DataError) -> any RowSplitter {
        switch format {
        case .lines: return LineSplitter(maximumLength: maximumLength)
        case .array: return ElementSplitter(of: .array, maximumLength: maximumLength)
        case .arrayUnderKey: return ElementSplitter(of: .arrayUnderKey, maximumLength: maximumLength)
        case .objects: return ElementSplitter(of: .sequence, maximumLength: maximumLength)
        case .table(let separator): return TableSplitter(separator: separator, maximumLength: maximumLength)
        case .foreign(let format):
            throw .format(path: file.relativePath, name: format.name, remedy: format.remedy)
        case .arrow: preconditionFailure("Arrow's formats are no text")
        }
    }
}

extension FileFormat {
    /// What its rows are counted by, for who looks for one.
    fileprivate var unit: RecordSource.Unit {
        switch self {
        case .lines, .table, .foreign: .line
        case .array, .arrayUnderKey, .objects, .arrow: .row
        }
    }
}
