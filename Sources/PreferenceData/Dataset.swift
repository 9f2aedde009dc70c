import Foundation
import JSON

/// What happens to a line that is not a record (`on_bad_record`).
public enum BadRecordPolicy: String, Sendable, CaseIterable, Codable {
    /// The first bad line is an error.
    case fail
    /// Bad lines are left out and counted.
    case skip
}

/// The records of one or more files, in order.
public struct Dataset<Record: DatasetRecord>: Sendable {
    /// The good records; `records[i].index == i`.
    public let records: [Record]
    /// What reading left besides them.
    public let reading: Reading
    /// How many lines were left out.
    public var skipped: Int { reading.skipped }
    /// The first few of them.
    public var badRecords: [BadRecord] { reading.badRecords }
    /// What was odd about good ones.
    public var remarks: RecordRemarks { reading.remarks }

    /// What reading left besides the records.
    public struct Reading: Sendable {
        /// How many good records there were.
        public fileprivate(set) var count = 0
        /// How many lines were left out.
        public fileprivate(set) var skipped = 0
        /// The first few of them.
        public fileprivate(set) var badRecords: [BadRecord] = []
        /// What was odd about good ones.
        public fileprivate(set) var remarks = RecordRemarks()
    }

    /// How many bad records are kept to be shown.
    private static var kept: Int { 5 }

    /// Reads files in any format that ``RowReader`` knows; a directory stands for the data files in it, by name.
    ///
    /// - Parameters:
    ///   - columns: Which columns hold what records are read from.
    ///   - limit: Stops after that many good records.
    ///   - advisesSkipping: Whether `on_bad_record` is something that the reader of an error can set.
    ///   - maximumLineLength: In bytes; a longer line is a bad record.
    /// - Throws: ``DataError`` for a file that is missing, damaged or of another format, a bad line (unless skipped), or no
    ///   record at all.
    public init(
        reading files: [URL], onBadRecord: BadRecordPolicy = .fail, columns: ColumnNames = ColumnNames(),
        limit: Int? = nil,
        maximumLineLength: Int = 64 << 20, advisesSkipping: Bool = true
    ) throws {
        var records: [Record] = []
        reading = try Self.read(
            files, onBadRecord: onBadRecord, columns: columns, limit: limit, maximumLineLength: maximumLineLength,
            advisesSkipping: advisesSkipping
        ) { records.append($0) }
        self.records = records
    }

    /// Reads files as ``init(reading:onBadRecord:columns:limit:maximumLineLength:advisesSkipping:)`` does, but hands each good record
    /// to `body` instead of keeping it, so that a text much larger than memory can be gone through.
    ///
    /// - Throws: As there, and what `body` throws, which ends reading.
    @discardableResult
    public static func read(
        _ files: [URL], onBadRecord: BadRecordPolicy = .fail, columns: ColumnNames = ColumnNames(), limit: Int? = nil,
        maximumLineLength: Int = 64 << 20,
        advisesSkipping: Bool = true, _ body: (Record) throws -> Void
    ) throws -> Reading {
        var reader = Reader(
            policy: onBadRecord, columns: columns, limit: limit ?? .max, advisesSkipping: advisesSkipping)
        let found = try DataFiles(at: files)
        if let mixed = found.mixed { reader.reading.remarks.note(mixed, at: nil) }
        for file in found.files where !reader.isFull {
            reader.begin()
            do {
                try RowReader.forEachRow(of: file, maximumLength: maximumLineLength) { source, row in
                    if let record = try reader.record(in: row, source: source) { try body(record) }
                    if reader.isFull { throw Enough() }
                }
            } catch is Enough {}
            try reader.end()
        }
        guard reader.reading.count > 0 else {
            throw DataError.empty(
                paths: files.map(\.relativePath), kind: Record.plural, skipped: reader.reading.skipped,
                first: reader.reading.badRecords.first)
        }
        return reader.reading
    }

    private struct Enough: Error {}

    private struct Reader {
        let policy: BadRecordPolicy
        let columns: ColumnNames
        let limit: Int
        let advisesSkipping: Bool
        var reading = Reading()
        private var file = FileProgress()

        /// What came of the lines of the file that is read.
        private struct FileProgress {
            var good = 0
            var bad = 0
            /// The first bad line, where that is an error: lines behind it tell whether skipping is worth a word.
            var failure: BadRecord?
        }

        /// Bad lines from the first on after which nobody would be advised to skip them.
        private static var patience: Int { 100 }

        init(policy: BadRecordPolicy, columns: ColumnNames, limit: Int, advisesSkipping: Bool) {
            self.policy = policy
            self.columns = columns
            self.limit = limit
            self.advisesSkipping = advisesSkipping
        }

        var isFull: Bool { reading.count >= limit }

        mutating func begin() { file = FileProgress() }

        /// Throws what only the whole file tells.
        func end() throws(DataError) {
            if let failure = file.failure { throw .bad(failure, advisesSkipping: false) }
        }

        private func renamed(_ fields: JSONObject, _ source: RecordSource) throws(BadRecord) -> JSONObject {
            do {
                return try columns.rename(fields)
            } catch {
                throw BadRecord(source: source, reason: error.reason)
            }
        }

        /// The record of a row in any layout; what is wrong with one is said of its own columns.
        private func record(
            of fields: JSONObject, source: RecordSource, remarks: inout [RecordRemark]
        ) throws -> Record {
            let (arranged, layouts) = fields.arranged()
            var found: [RecordRemark] = layouts.map { .layout($0) }
            do {
                let record = try Record(fields: arranged, index: reading.count, source: source, remarks: &found)
                remarks = found
                return record
            } catch is BadRecord where !layouts.isEmpty {
                return try Record(fields: fields, index: reading.count, source: source, remarks: &remarks)
            }
        }

        /// The record in a row; `nil` for a blank or a bad one.
        mutating func record(in row: Row, source: RecordSource) throws -> Record? {
            do {
                guard let whole = try fields(of: row, source: source) else { return nil }
                let fields = try renamed(whole, source)
                var found: [RecordRemark] = []
                let record = try record(of: fields, source: source, remarks: &found)
                if let failure = file.failure { throw DataError.bad(failure, advisesSkipping: advisesSkipping) }
                for remark in found { reading.remarks.note(remark, at: source) }
                reading.count += 1
                file.good += 1
                return record
            } catch let bad as BadRecord {
                file.bad += 1
                guard policy == .skip else {
                    let failure = file.failure ?? bad
                    if file.good > 0 { throw DataError.bad(failure, advisesSkipping: advisesSkipping) }
                    if file.bad > Self.patience { throw DataError.bad(failure, advisesSkipping: false) }
                    file.failure = failure
                    return nil
                }
                reading.skipped += 1
                if reading.badRecords.count < kept { reading.badRecords.append(bad) }
                return nil
            }
        }

        /// The object in a row; `nil` for a blank one.
        private func fields(of row: Row, source: RecordSource) throws -> JSONObject? {
            switch row {
            case .object(let object): return object
            case .bad(let reason): throw BadRecord(source: source, reason: reason)
            case .tooLong:
                throw BadRecord(
                    source: source, reason: "the \(source.unit.rawValue) is longer than the allowed number of bytes")
            case .text(let text):
                if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return nil }
                do {
                    let value = try JSON(parsing: text)
                    if case .object(let object) = value { return object }
                    throw BadRecord(source: source, reason: "not a JSON object")
                } catch let error as JSONError {
                    throw BadRecord(source: source, reason: "not JSON: \(error.reason) (column \(error.offset + 1))")
                }
            }
        }
    }
}
