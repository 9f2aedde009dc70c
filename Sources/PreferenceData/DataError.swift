/// A line or a row of a file; every record knows where it came from.
public struct RecordSource: Sendable, Equatable, CustomStringConvertible {
    /// What the rows of a file are found by.
    public enum Unit: String, Sendable {
        /// Lines of text, of which a row may take several.
        case line
        /// Rows of a file that has no lines, or whose lines say nothing.
        case row
    }

    /// The file's path, as given.
    public var file: String
    /// The line that it begins on, or the row, from 1.
    public var line: Int
    /// Which of the two.
    public var unit: Unit

    /// The line `line` of `file`, or the row of that number.
    public init(file: String, line: Int, unit: Unit = .line) {
        self.file = file
        self.line = line
        self.unit = unit
    }

    /// `file:line`, or `file, row 3`.
    public var description: String { unit == .line ? "\(file):\(line)" : "\(file), row \(line)" }
}

/// A row that is not a record of the kind asked for, and why.
public struct BadRecord: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where it stands.
    public var source: RecordSource
    /// What is wrong with it.
    public var reason: String

    /// `file:line: reason`, on one line.
    public var description: String {
        "\(source): \(reason)".onOneLine
    }
}

/// What can be wrong with a user's data.
public enum DataError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such file.
    case missing(path: String)
    /// A directory that does not say which files are the data, or a file whose form says nothing of its rows.
    case unusable(path: String, problem: String, remedy: String)
    /// A file in a format that is not read.
    case format(path: String, name: String, remedy: String)
    /// The file cannot be read or written.
    case system(path: String, reason: String)
    /// A file that ends too early or is damaged; `what` it holds.
    case damaged(path: String, what: String, reason: String)
    /// A file that Arrow's libraries read, where these cannot be had.
    case needsArrow(path: String, format: String, reason: String)
    /// A row that is not a record, where bad records are not skipped; `advisesSkipping` where a key skips them, and
    /// something would be left.
    case bad(BadRecord, advisesSkipping: Bool)
    /// Files without a single usable record.
    case empty(paths: [String], kind: String, skipped: Int, first: BadRecord?)
    /// An example that is longer than allowed, with `truncation_mode: error`.
    case tooLong(RecordSource, tokens: Int, limit: Int, key: String)
    /// No example is left: of `examples`, `empty` say nothing (the first is `firstEmpty`), and truncation dropped the rest.
    case nothingLeft(examples: Int, empty: Int, firstEmpty: RecordSource?, limits: String)
    /// A record of messages where no chat template is known, or one that lacks a token.
    case unrenderable(RecordSource, reason: String)
    /// A value of the configuration that cannot be used.
    case configuration(key: String, reason: String)
    /// Scores whose gap is not a finite number.
    case badScore(index: Int, chosen: Double, rejected: Double)

    /// One line: where, what, and a way out.
    public var description: String {
        switch self {
        case .missing(let path): "\(path): no such file"
        case .unusable(let path, let problem, let remedy): "\(path): \(problem); \(remedy)"
        case .format(let path, let name, let remedy): "\(path): it is \(name), which is not read; \(remedy)"
        case .system(let path, let reason): "\(path): \(reason)"
        case .damaged(let path, let what, let reason):
            "\(path): damaged \(what.withoutArticle) (\(reason.onOneLine)); copy or download the file again"
        case .needsArrow(let path, let format, let reason): "\(path): it is \(format), and \(reason.onOneLine)"
        case .bad(let record, let advisesSkipping):
            "\(record)" + (advisesSkipping ? "; on_bad_record: skip leaves such rows out" : "")
        case .empty(let paths, let kind, let skipped, let first):
            "\(paths.joined(separator: ", ")): no \(kind) in it"
                + (first.map { ", \(skipped) bad \(skipped == 1 ? "row" : "rows") skipped, the first: \($0)" }
                    ?? "; name a file that has some")
        case .tooLong(let source, let tokens, let limit, let key):
            "\(source): \(tokens) tokens, but \(key) is \(limit); raise it or choose another truncation_mode"
        case .nothingLeft(let examples, let empty, let first, let limits):
            "no example is left of \(examples): "
                + (empty == 0
                    ? "every prompt is too long for \(limits); raise them or choose another truncation_mode"
                    : "prompt and response are empty "
                        + (empty == examples ? "" : "in \(empty), the other prompts too long for \(limits) ")
                        + "(the first: \(first.map(String.init(describing:)) ?? "")); give them text, or other data")
        case .unrenderable(let source, let reason): "\(source): \(reason)"
        case .configuration(let key, let reason): "\(key): \(reason)"
        case .badScore(let index, let chosen, let rejected):
            "pair \(index): the gap between rewards \(chosen) and \(rejected) is not a finite number; check the reward model"
        }
    }
}

extension String {
    /// With a space for each run of line breaks.
    fileprivate var onOneLine: String { split(whereSeparator: \.isNewline).joined(separator: " ") }

    /// A kind of file without `a` or `an` in front of it.
    fileprivate var withoutArticle: String {
        let article = ["an ", "a "].first(where: hasPrefix)
        return String(dropFirst(article?.count ?? 0))
    }
}
