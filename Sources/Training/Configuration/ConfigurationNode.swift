import Yams

/// A YAML value with the place it was written; what options are read from and written to.
struct ConfigurationNode: Sendable {
    enum Content: Sendable {
        case null
        /// The text of a scalar. `isText` where it can only be text: it was quoted, or is a string to be written.
        case scalar(String, isText: Bool)
        case sequence([ConfigurationNode])
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        /// The place of the key; a value can come from elsewhere through an alias.
        var origin: ConfigurationOrigin
        var value: ConfigurationNode
    }

    var content: Content
    var origin: ConfigurationOrigin

    init(_ content: Content, origin: ConfigurationOrigin = .none) {
        self.content = content
        self.origin = origin
    }

    var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// The entries of a mapping; none for an empty block (`ppo:` and nothing after it), `nil` for anything else.
    var entries: [Entry]? {
        switch content {
        case .mapping(let entries): entries
        case .null: []
        default: nil
        }
    }

    func value(of key: String) -> ConfigurationNode? {
        entries?.last { $0.key == key }?.value
    }

    /// What was found, in the words of an error message.
    var found: String {
        switch content {
        case .null: "nothing (null)"
        case .scalar(let text, _): "'\(text)'"
        case .sequence: "a list"
        case .mapping: "a block of keys"
        }
    }
}

extension ConfigurationNode {
    /// Reads one YAML document. `place` turns a line into an origin.
    ///
    /// - Throws: ``ConfigurationError`` for text that is not YAML, duplicate keys and keys that are not text.
    init(yaml: String, place: (Int?) -> ConfigurationOrigin) throws {
        let root: Node?
        do {
            root = try Yams.Parser(yaml: yaml, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw Self.configurationError(error, place: place)
        }
        var budget = Self.maximumNodes
        self = try root.map { try Self.convert($0, place: place, budget: &budget) } ?? Self(.null, origin: place(nil))
    }

    /// Aliases can make a short text stand for a tree without end; no honest configuration comes near this many values.
    private static let maximumNodes = 100_000

    private static func convert(_ node: Node, place: (Int?) -> ConfigurationOrigin, budget: inout Int) throws -> Self {
        let origin = place(node.mark?.line)
        budget -= 1
        guard budget > 0 else {
            throw ConfigurationError(
                origin, key: nil, problem: "more than \(maximumNodes) values", remedy: "remove nested aliases")
        }
        switch node {
        case .scalar(let scalar):
            let isText = scalar.style != .plain && scalar.style != .any
            let isNull = !isText && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            return Self(isNull ? .null : .scalar(scalar.string, isText: isText), origin: origin)
        case .sequence(let sequence):
            return Self(
                .sequence(try sequence.map { try convert($0, place: place, budget: &budget) }), origin: origin)
        case .mapping(let mapping):
            return Self(.mapping(try entries(of: mapping, place: place, budget: &budget)), origin: origin)
        case .alias:
            throw ConfigurationError(
                origin, key: nil, problem: "an alias that was not resolved", remedy: "write the value out")
        }
    }

    /// The entries of a mapping, with those of merge keys (`<<: *defaults`) behind its own.
    private static func entries(
        of mapping: Node.Mapping, place: (Int?) -> ConfigurationOrigin, budget: inout Int
    ) throws -> [Entry] {
        var own: [Entry] = []
        var merged: [Entry] = []
        for (key, value) in mapping {
            let origin = place(key.mark?.line)
            guard case .scalar(let scalar) = key else {
                throw ConfigurationError(
                    origin, key: nil, problem: "a key must be one word, found a list or block",
                    remedy: "check the indentation and the colons")
            }
            let node = try convert(value, place: place, budget: &budget)
            if scalar.string == "<<" {
                guard let entries = node.entries else {
                    throw ConfigurationError(
                        origin, key: "<<", problem: "expected a block of keys, found \(node.found)",
                        remedy: "merge a block by its anchor, as in <<: *dpo")
                }
                merged += entries
            } else {
                own.append(Entry(key: scalar.string, origin: origin, value: node))
            }
        }
        let keys = Set(own.map(\.key))
        return own + merged.filter { !keys.contains($0.key) }
    }

    private static func configurationError(
        _ error: YamlError, place: (Int?) -> ConfigurationOrigin
    ) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ConfigurationError(
                place(mark.line), key: nil, problem: "not valid YAML: \(problem)",
                remedy: "check the indentation, quotes and brackets near column \(mark.column)")
        case .duplicatedKeysInMapping(let keys, let context):
            ConfigurationError(
                place(context.mark.line), key: keys.joined(separator: ", "), problem: "written twice in one block",
                remedy: "keep one of them")
        default:
            ConfigurationError(
                place(nil), key: nil, problem: "cannot be read as YAML: \(error)", remedy: "write it as UTF-8 text")
        }
    }
}
