import Foundation

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
    /// How many lines were left out.
    public let skipped: Int
    /// The first few of them.
    public let badRecords: [BadRecord]
    /// What was odd about good ones.
    public let remarks: RecordRemarks

    /// How many bad records are kept to be shown.
    private static var kept: Int { 5 }

    /// Reads JSONL files, plain or gzip; a directory stands for its `.jsonl` and `.jsonl.gz` files, by name.
    ///
    /// - Parameters:
    ///   - limit: Stops after that many good records.
    ///   - advisesSkipping: Whether `on_bad_record` is something that the reader of an error can set.
    ///   - maximumLineLength: In bytes; a longer line is a bad record.
    /// - Throws: ``DataError`` for a file that is missing, damaged or of another format, a bad line (unless skipped), or no
    ///   record at all.
    public init(
        reading files: [URL], onBadRecord: BadRecordPolicy = .fail, limit: Int? = nil,
        maximumLineLength: Int = 64 << 20, advisesSkipping: Bool = true
    ) throws {
        var collector = Collector(policy: onBadRecord, limit: limit ?? .max, advisesSkipping: advisesSkipping)
        let found = try DataFiles(at: files)
        if let mixed = found.mixed { collector.remarks.note(mixed, at: nil) }
        for file in found.files where !collector.isFull {
            collector.begin(file.relativePath)
            do {
                try LineReader.forEachLine(of: file, maximumLength: maximumLineLength) { number, line in
                    try collector.add(line, source: RecordSource(file: file.relativePath, line: number))
                    if collector.isFull { throw Enough() }
                }
            } catch is Enough {}
            try collector.end()
        }
        guard !collector.records.isEmpty else {
            throw DataError.empty(
                paths: files.map(\.relativePath), kind: Record.plural, skipped: collector.skipped,
                first: collector.badRecords.first)
        }
        records = collector.records
        skipped = collector.skipped
        badRecords = collector.badRecords
        remarks = collector.remarks
    }

    private struct Enough: Error {}

    private struct Collector {
        let policy: BadRecordPolicy
        let limit: Int
        let advisesSkipping: Bool
        var records: [Record] = []
        var remarks = RecordRemarks()
        var skipped = 0
        var badRecords: [BadRecord] = []
        private var file = FileProgress()

        /// What came of the lines of the file that is read.
        private struct FileProgress {
            var path = ""
            var good = 0
            var bad = 0
            /// The first bad line, where that is an error: lines behind it tell whether skipping is worth a word.
            var failure: BadRecord?
            /// Whether the first line is a whole JSON array.
            var startsWithArray = false
        }

        /// Bad lines from the first on after which nobody would be advised to skip them.
        private static var patience: Int { 100 }

        init(policy: BadRecordPolicy, limit: Int, advisesSkipping: Bool) {
            self.policy = policy
            self.limit = limit
            self.advisesSkipping = advisesSkipping
        }

        var isFull: Bool { records.count >= limit }

        mutating func begin(_ path: String) {
            file = FileProgress()
            file.path = path
        }

        /// Throws what only the whole file tells.
        func end() throws(DataError) {
            if file.startsWithArray, file.good + file.bad == 1 { throw format(.array) }
            if let failure = file.failure { throw .bad(failure, advisesSkipping: false) }
        }

        mutating func add(_ line: Line, source: RecordSource) throws {
            do {
                guard let fields = try fields(of: line, source: source) else { return }
                var found: [RecordRemark] = []
                let record = try Record(fields: fields, index: records.count, source: source, remarks: &found)
                if let failure = file.failure { throw DataError.bad(failure, advisesSkipping: advisesSkipping) }
                for remark in found { remarks.note(remark, at: source) }
                records.append(record)
                file.good += 1
            } catch let bad as BadRecord {
                file.bad += 1
                guard policy == .skip else {
                    let failure = file.failure ?? bad
                    if file.good > 0 { throw DataError.bad(failure, advisesSkipping: advisesSkipping) }
                    if file.bad > Self.patience { throw DataError.bad(failure, advisesSkipping: false) }
                    file.failure = failure
                    return
                }
                skipped += 1
                if badRecords.count < kept { badRecords.append(bad) }
            }
        }

        /// The object on a line; `nil` for a blank one.
        private mutating func fields(of line: Line, source: RecordSource) throws -> JSONObject? {
            guard case .bytes(let bytes) = line else {
                throw BadRecord(
                    source: source, reason: "the line is longer than the allowed number of bytes; is this JSONL?")
            }
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return nil }
            let isFirst = file.good + file.bad == 0
            do {
                let value = try JSON.parse(bytes)
                if case .object(let object) = value { return object }
                if isFirst, case .array = value { file.startsWithArray = true }
                throw BadRecord(source: source, reason: "not a JSON object")
            } catch let error as JSONError {
                if isFirst, let other = FileFormat(line: bytes) { throw format(other) }
                throw BadRecord(source: source, reason: "not JSON: \(error.reason) (column \(error.offset + 1))")
            }
        }

        private func format(_ format: FileFormat) -> DataError {
            .format(path: file.path, name: format.name, remedy: format.remedy)
        }
    }
}
