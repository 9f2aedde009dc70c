/// A line of a file; every record knows where it came from.
public struct RecordSource: Sendable, Equatable, CustomStringConvertible {
    /// The file's path, as given.
    public var file: String
    /// The line, from 1.
    public var line: Int

    /// The line `line` of `file`.
    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    /// `file:line`.
    public var description: String { "\(file):\(line)" }
}

/// A line that is not a record of the kind asked for, and why.
public struct BadRecord: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where it stands.
    public var source: RecordSource
    /// What is wrong with it.
    public var reason: String

    /// `file:line: reason`.
    public var description: String {
        "\(source): \(reason)".split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

/// What can be wrong with a user's data.
public enum DataError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// A directory without JSONL files.
    case noDataFiles(directory: String)
    /// The file cannot be read or written.
    case system(path: String, reason: String)
    /// A gzip file that ends too early or is damaged.
    case damaged(path: String, reason: String)
    /// A line that is not a record, where bad records are not skipped.
    case bad(BadRecord)
    /// Files without a single usable record.
    case empty(paths: [String], kind: String, skipped: Int, first: BadRecord?)
    /// An example that is longer than allowed, with `truncation_mode: error`.
    case tooLong(RecordSource, tokens: Int, limit: Int, key: String)
    /// Truncation left no example.
    case nothingLeft(examples: Int, limits: String)
    /// A prompt that starts with two BOS tokens.
    case doubleBOS(RecordSource, id: Int32)
    /// A record of messages where no chat template is known, or one that the template cannot render.
    case unrenderable(RecordSource, reason: String)
    /// A value of the configuration that cannot be used.
    case configuration(key: String, reason: String)
    /// Scores whose gap is not a finite number.
    case badScore(index: Int, chosen: Double, rejected: Double)

    /// One line: where, what, and a way out.
    public var description: String {
        switch self {
        case .missing(let path): "\(path): no such file"
        case .noDataFiles(let directory): "\(directory): a directory without .jsonl or .jsonl.gz files"
        case .system(let path, let reason): "\(path): \(reason)"
        case .damaged(let path, let reason): "\(path): damaged gzip data (\(reason)); copy or download the file again"
        case .bad(let record): "\(record); on_bad_record: skip leaves such lines out"
        case .empty(let paths, let kind, let skipped, let first):
            "\(paths.joined(separator: ", ")): no \(kind) in it"
                + (first.map { ", \(skipped) bad \(skipped == 1 ? "line" : "lines") skipped, the first: \($0)" } ?? "")
        case .tooLong(let source, let tokens, let limit, let key):
            "\(source): \(tokens) tokens, but \(key) is \(limit); raise it or choose another truncation_mode"
        case .nothingLeft(let examples, let limits):
            "no example is left of \(examples): every prompt is too long for \(limits); raise them or choose another "
                + "truncation_mode"
        case .doubleBOS(let source, let id):
            "\(source): the prompt starts with two BOS tokens (id \(id)); take BOS out of the text or the chat template"
        case .unrenderable(let source, let reason): "\(source): \(reason)"
        case .configuration(let key, let reason): "\(key): \(reason)"
        case .badScore(let index, let chosen, let rejected):
            "pair \(index): the gap between rewards \(chosen) and \(rejected) is not a finite number; check the reward model"
        }
    }
}
