import Foundation
import JSON

/// What happens to a row that is not a record (`on_bad_record`).
public enum BadRecordPolicy: String, Sendable, CaseIterable, Codable {
    /// The first bad row is an error.
    case fail
    /// Bad rows are left out and counted.
    case skip
}

/// The records of one or more files, in order.
public struct Dataset<Record: DatasetRecord>: Sendable {
    /// The good records; `records[i].index == i`.
    public let records: [Record]
    /// What reading left besides them.
    public let reading: Reading
    /// How many rows were left out.
    public var skipped: Int { reading.skipped }
    /// The first few of them.
    public var badRecords: [BadRecord] { reading.badRecords }
    /// What was odd about good ones.
    public var remarks: RecordRemarks { reading.remarks }

    /// What reading left besides the records.
    public struct Reading: Sendable {
        /// How many good records there were.
        public fileprivate(set) var count = 0
        /// How many rows were left out.
        public fileprivate(set) var skipped = 0
        /// The first few of them.
        public fileprivate(set) var badRecords: [BadRecord] = []
        /// What was odd about good ones.
        public fileprivate(set) var remarks = RecordRemarks()
        /// What none of the rows had.
        public fileprivate(set) var absent: AbsentColumns

        fileprivate init(_ columns: ColumnNames) { absent = AbsentColumns(columns) }
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
    /// - Throws: ``DataError`` for a file that is missing, damaged or of another format, a bad row (unless skipped), or no
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
                try RowReader.forEachRow(of: file, maximumLength: maximumLineLength, columns: columns) { source, row in
                    let (ended, own) = try reader.records(in: row, source: source)
                    if let ended { try body(ended) }
                    if let own { try body(own) }
                    if reader.isFull { throw Enough() }
                }
            } catch is Enough {}
            if let last = try reader.end() { try body(last) }
        }
        guard reader.reading.count > 0 else {
            if let leftOut = reader.reading.remarks.leftOut, reader.reading.skipped == 0 {
                throw DataError.unusable(
                    path: files.map(\.relativePath).joined(separator: ", "),
                    problem: "no \(Record.plural) in it: \(leftOut)",
                    remedy:
                        "name data with several answers to a prompt, behind each other, of which one is better; or let dataset.columns: "
                        + "{completion: response} read each row by itself")
            }
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
        var reading: Reading
        private var file = FileProgress()
        /// Rows of one prompt, which those behind them may go on with.
        private var answers: ScoredAnswers?

        /// What came of the rows of the file that is read.
        private struct FileProgress {
            var good = 0
            var bad = 0
            /// The first bad row, where that is an error: rows behind it tell whether skipping is worth a word.
            var failure: BadRecord?
        }

        /// Bad rows from the first on after which nobody would be advised to skip them.
        private static var patience: Int { 100 }

        init(policy: BadRecordPolicy, columns: ColumnNames, limit: Int, advisesSkipping: Bool) {
            self.policy = policy
            self.columns = columns
            reading = Reading(columns)
            self.limit = limit
            self.advisesSkipping = advisesSkipping
        }

        var isFull: Bool { reading.count >= limit }

        mutating func begin() { file = FileProgress() }

        /// The record that the end of a file ends; throws what only the whole of it tells.
        mutating func end() throws -> Record? {
            let last = try finishAnswers()
            if let failure = file.failure { throw DataError.bad(failure, advisesSkipping: false) }
            return last
        }

        private func renamed(_ fields: JSONObject, _ source: RecordSource) throws(BadRecord) -> JSONObject {
            do {
                return try columns.rename(fields)
            } catch {
                throw BadRecord(source: source, reason: error.reason)
            }
        }

        /// The record in a row, and the one of rows before it that it ends; none for a blank or a bad one.
        mutating func records(in row: Row, source: RecordSource) throws -> (ended: Record?, own: Record?) {
            var ended: Record?
            let own = try counting { reader in
                guard let whole = try reader.fields(of: row, source: source) else { return nil }
                reader.reading.absent.see(whole)
                let fields = try reader.renamed(whole, source)
                let more = ScoredAnswers(fields, source: source)
                if let more, reader.answers?.take(more) == true { return nil }
                ended = try reader.finishAnswers()
                reader.answers = more
                return more == nil && !reader.isFull
                    ? try reader.record(of: fields.arranged(), fields, from: source) : nil
            }
            return (ended, own)
        }

        /// The pair of the rows that were held back for those behind them.
        private mutating func finishAnswers() throws -> Record? {
            guard let ended = answers, !isFull else { return nil }
            answers = nil
            return try counting { reader in
                let row = ended.arranged
                return try reader.record(of: row, row.fields, from: ended.source, undecided: ended.undecided)
            }
        }

        /// The record of a row in any layout, counted; what is wrong with one is said of its own columns.
        private mutating func record(
            of row: ArrangedRow, _ fields: JSONObject, from source: RecordSource,
            undecided: RecordRemark = .undecided
        ) throws -> Record? {
            if row.isUndecided, Record.readsAnswers {
                reading.remarks.note(undecided, at: source)
                return nil
            }
            var remarks: [RecordRemark] = row.layouts.map { .layout($0) }
            let record: Record
            do {
                record = try Record(fields: row.fields, index: reading.count, source: source, remarks: &remarks)
            } catch let inLayout as BadRecord where !row.layouts.isEmpty {
                remarks = []
                do {
                    record = try Record(fields: fields, index: reading.count, source: source, remarks: &remarks)
                } catch let asWritten as BadRecord {
                    // Of columns that a layout made only turns are what the row has too.
                    throw row.fields.has("messages") && !fields.has("messages") ? inLayout : asWritten
                }
            }
            if let failure = file.failure { throw DataError.bad(failure, advisesSkipping: advisesSkipping) }
            for remark in remarks { reading.remarks.note(remark, at: source) }
            reading.count += 1
            file.good += 1
            return record
        }

        /// What `read` finds; a bad record is counted or, past patience, thrown.
        private mutating func counting(_ read: (inout Self) throws -> Record?) throws -> Record? {
            do {
                return try read(&self)
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
                    let value = try JSON(parsing: text, repeatedKeys: .refused)
                    if case .object(let object) = value { return object }
                    throw BadRecord(source: source, reason: "not a JSON object")
                } catch let error as JSONError {
                    let what = error.repeatedKey == nil ? "not JSON: " : ""
                    throw BadRecord(source: source, reason: "\(what)\(error.reason) (column \(error.offset + 1))")
                }
            }
        }
    }
}
