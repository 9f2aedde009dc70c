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

    /// How many bad records are kept to be shown.
    private static var kept: Int { 5 }

    /// Reads JSONL files, plain or gzip; a directory stands for its `.jsonl` and `.jsonl.gz` files, by name.
    ///
    /// - Parameters:
    ///   - limit: Stops after that many good records.
    ///   - maximumLineLength: In bytes; a longer line is a bad record.
    /// - Throws: ``DataError`` for a missing or damaged file, a bad line (unless skipped), or no record at all.
    public init(
        reading files: [URL], onBadRecord: BadRecordPolicy = .fail, limit: Int? = nil,
        maximumLineLength: Int = 64 << 20
    ) throws {
        var collector = Collector(policy: onBadRecord, limit: limit ?? .max)
        for file in try DataFiles.resolve(files) where !collector.isFull {
            do {
                try LineReader.forEachLine(of: file, maximumLength: maximumLineLength) { number, line in
                    try collector.add(line, source: RecordSource(file: file.relativePath, line: number))
                    if collector.isFull { throw Enough() }
                }
            } catch is Enough {}
        }
        guard !collector.records.isEmpty else {
            throw DataError.empty(
                paths: files.map(\.relativePath), kind: Record.plural, skipped: collector.skipped,
                first: collector.badRecords.first)
        }
        records = collector.records
        skipped = collector.skipped
        badRecords = collector.badRecords
    }

    private struct Enough: Error {}

    private struct Collector {
        let policy: BadRecordPolicy
        let limit: Int
        var records: [Record] = []
        var skipped = 0
        var badRecords: [BadRecord] = []

        init(policy: BadRecordPolicy, limit: Int) {
            self.policy = policy
            self.limit = limit
        }

        var isFull: Bool { records.count >= limit }

        mutating func add(_ line: Line, source: RecordSource) throws {
            do {
                if let fields = try fields(of: line, source: source) {
                    records.append(try Record(fields: fields, index: records.count, source: source))
                }
            } catch let bad as BadRecord {
                if policy == .fail { throw DataError.bad(bad) }
                skipped += 1
                if badRecords.count < kept { badRecords.append(bad) }
            }
        }

        /// The object on a line; `nil` for a blank one.
        private func fields(of line: Line, source: RecordSource) throws(BadRecord) -> JSONObject? {
            guard case .bytes(let bytes) = line else {
                throw BadRecord(
                    source: source, reason: "the line is longer than the allowed number of bytes; is this JSONL?")
            }
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return nil }
            do {
                guard case .object(let object) = try JSON.parse(bytes) else {
                    throw BadRecord(source: source, reason: "not a JSON object")
                }
                return object
            } catch let error as JSONError {
                throw BadRecord(source: source, reason: "not JSON: \(error.reason) (column \(error.offset + 1))")
            } catch let bad as BadRecord {
                throw bad
            } catch {
                throw BadRecord(source: source, reason: "\(error)")
            }
        }
    }
}

/// From what a user names to files.
enum DataFiles {
    static func resolve(_ paths: [URL]) throws(DataError) -> [URL] {
        var files: [URL] = []
        for path in paths {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isDirectory) else {
                throw .missing(path: path.relativePath)
            }
            files += isDirectory.boolValue ? try contents(of: path) : [path]
        }
        return files
    }

    private static func contents(of directory: URL) throws(DataError) -> [URL] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        } catch {
            throw .system(path: directory.relativePath, reason: "cannot be listed")
        }
        let data = names.filter { $0.hasSuffix(".jsonl") || $0.hasSuffix(".jsonl.gz") }.sorted()
        guard !data.isEmpty else { throw .noDataFiles(directory: directory.relativePath) }
        return data.map { directory.appending(path: $0) }
    }
}
