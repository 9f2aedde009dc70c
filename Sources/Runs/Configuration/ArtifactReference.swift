import Configuration

/// What a stage reads: something that an earlier stage leaves, or that was there before the run.
///
/// The text decides the form alone, whatever lies on the disk: `base`, `dataset.train`, `rule:NAME`, `command:LINE`, `column:NAME`,
/// `openai:URL#MODEL`; text with a `/`, a leading `.` or `~`, or a data file's ending is a path; anything else names a stage,
/// `split.easy` a part of what it leaves.
package enum ArtifactReference: Sendable, Hashable, CustomStringConvertible {
    /// The model of `model_name_or_path`.
    case base
    /// The files of the `dataset` block.
    case dataset(DatasetPart)
    /// What the named stage leaves, or a part of it.
    case stage(String, part: String?)
    /// A file or directory, relative to the current directory.
    case path(String)
    /// A built-in reward rule, by what follows `rule:`.
    case rule(String)
    /// A program that scores, by the command line that follows `command:`.
    case command(String)
    /// Numbers of the rows themselves, by what follows `column:`.
    case column(String)
    /// A model behind a server that judges, by what follows `openai:`; ``ChatEndpoint`` reads it.
    case openai(String)

    /// The two lists of files in the `dataset` block.
    package enum DatasetPart: String, Sendable, CaseIterable {
        /// What is trained on.
        case train
        /// What is held out.
        case eval
    }

    /// Reads a reference; `nil` where the text is empty or a prefix has nothing behind it.
    package init?(_ text: String) {
        if let rest = text.suffix(after: "rule:") {
            self = .rule(rest)
        } else if let rest = text.suffix(after: "command:") {
            self = .command(rest)
        } else if let rest = text.suffix(after: "column:") {
            self = .column(rest)
        } else if let rest = text.suffix(after: "openai:") {
            self = .openai(rest)
        } else if text == "base" {
            self = .base
        } else if let part = text.suffix(after: "dataset.").flatMap(DatasetPart.init(rawValue:)) {
            self = .dataset(part)
        } else if text.contains("/") || text.hasPrefix(".") || text.hasPrefix("~") || Self.isDataFile(text) {
            self = .path(text.expandingHome)
        } else {
            let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            self = .stage(parts[0], part: parts.count > 1 ? parts[1] : nil)
        }
        if text.trimmingSpaces.isEmpty || Self.form(of: text) != nil { return nil }
    }

    /// How a reference is written whose prefix has nothing behind it; `nil` for other text.
    package static func form(of text: String) -> String? {
        switch text.trimmingSpaces {
        case "rule:": "rule:NAME, as in rule:length:64"
        case "command:": "command:LINE, as in 'command: python3 score.py'"
        case "column:": "column:NAME, as in column:score for the rows' score_chosen and score_rejected"
        case "openai:": ChatEndpoint.form
        case let text where text.hasPrefix("rule:") && text.hasSuffix(":") && text.count { $0 == ":" } == 2:
            "what the rule looks for behind the last colon, as in rule:count:please"
        default: nil
        }
    }

    /// The reference as it is written in a configuration.
    package var description: String {
        switch self {
        case .base: "base"
        case .dataset(let part): "dataset.\(part.rawValue)"
        case .stage(let name, let part): part.map { "\(name).\($0)" } ?? name
        case .path(let path): path
        case .rule(let rule): "rule:\(rule)"
        case .command(let line): "command:\(line)"
        case .column(let name): "column:\(name)"
        case .openai(let text): "openai:\(text)"
        }
    }

    private static func isDataFile(_ text: String) -> Bool {
        let name = [".gz", ".zst"].first(where: text.hasSuffix).map { String(text.dropLast($0.utf8.count)) } ?? text
        return [".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".csv", ".tsv", ".txt"].contains(
            where: name.hasSuffix)
    }
}

extension ArtifactReference: ConfigurationValue {
    package static var kind: String { "a stage's name or a path" }

    package init?(_ node: ConfigurationNode) {
        guard let text = String(node) else { return nil }
        self.init(text)
    }

    package var node: ConfigurationNode { description.node }

    /// Stands in options for an input that has no default until the stages before it are known.
    package static let unset = ArtifactReference.path("")
}

extension ArtifactReference {
    /// Whether this reward is a model, whose body a critic can start from.
    package var isModel: Bool {
        switch self {
        case .rule, .command, .column, .openai: false
        default: true
        }
    }

    /// Whether a model behind a server is asked.
    package var isJudge: Bool { if case .openai = self { true } else { false } }
}

extension String {
    fileprivate func suffix(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)).trimmingSpaces : nil
    }

    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
