import Yams

extension ConfigurationNode {
    /// Reads one YAML document. `place` turns a line into an origin.
    ///
    /// - Throws: ``ConfigurationError`` for text that is not YAML, duplicate keys, keys that are not text, and aliases of what
    ///   is not there or is too much.
    package init(yaml: String, place: @escaping (Int?) -> ConfigurationOrigin) throws {
        var reader = YAMLReader(place: place)
        self = try reader.read(yaml)
    }
}

/// Turns YAML into nodes, aliases included.
///
/// Aliases can make a text of a few hundred bytes stand for a tree without end. Yams would build it, and hash it where it is
/// a key, before anybody could look; so Yams gets to read aliases as words, and they are resolved here, within limits.
private struct YAMLReader {
    /// No honest configuration comes near so many values, or levels of them.
    package static let maximumNodes = 100_000
    static let maximumDepth = 64
    /// Stands for `*` while Yams reads: a character for private use, which starts a word like any letter.
    static let alias: Unicode.Scalar = "\u{E000}"

    let place: (Int?) -> ConfigurationOrigin
    private var anchored: [String: ConfigurationNode] = [:]
    private var count = 0

    init(place: @escaping (Int?) -> ConfigurationOrigin) { self.place = place }

    mutating func read(_ yaml: String) throws -> ConfigurationNode {
        guard !yaml.unicodeScalars.contains(Self.alias) else {
            throw ConfigurationError(
                place(nil), key: nil, problem: "holds the character U+E000, which means nothing",
                remedy: "take it out")
        }
        do {
            let parser = try Yams.Parser(yaml: Self.replace("*", by: Self.alias, in: yaml), encoding: .utf8)
            // Anchors live no longer than their parser.
            return try withExtendedLifetime(parser) {
                try parser.singleRoot().map { try node($0, depth: 1) } ?? ConfigurationNode(.null, origin: place(nil))
            }
        } catch let error as YamlError {
            throw configurationError(error)
        }
    }

    private mutating func node(_ node: Node, depth: Int) throws -> ConfigurationNode {
        let origin = place(node.mark?.line)
        if let name = node.scalar.flatMap(Self.aliasName) { return try resolved(name, depth: depth, at: origin) }
        try admit(depth: depth, at: origin)
        let content: ConfigurationNode.Content
        switch node {
        case .scalar(let scalar):
            let text = Self.text(scalar)
            let isText = scalar.style != .plain && scalar.style != .any
            let isNull = !isText && ["", "~", "null", "Null", "NULL"].contains(text)
            content = isNull ? .null : .scalar(text, isText: isText)
        case .sequence(let sequence):
            content = .sequence(try sequence.map { try self.node($0, depth: depth + 1) })
        case .mapping(let mapping):
            content = .mapping(try entries(of: mapping, depth: depth))
        case .alias:
            preconditionFailure("a document that was read holds no aliases")
        }
        let result = ConfigurationNode(content, origin: origin)
        if let name = node.anchor?.rawValue { anchored[name] = result }
        return result
    }

    /// The entries of a mapping, with those of merge keys (`<<: *defaults`) behind its own.
    private mutating func entries(of mapping: Node.Mapping, depth: Int) throws -> [ConfigurationNode.Entry] {
        var own: [ConfigurationNode.Entry] = []
        var merged: [ConfigurationNode.Entry] = []
        for (key, value) in mapping {
            let origin = place(key.mark?.line)
            guard case .scalar(let scalar) = key, Self.aliasName(scalar) == nil else {
                throw ConfigurationError(
                    origin, key: nil, problem: "a key must be one word, found a list, block or alias",
                    remedy: "check the indentation and the colons")
            }
            let node = try node(value, depth: depth + 1)
            if scalar.string == "<<" {
                guard let entries = node.entries else {
                    throw ConfigurationError(
                        origin, key: "<<", problem: "expected a block of keys, found \(node.found)",
                        remedy: "merge a block by its anchor, as in <<: *dpo")
                }
                merged += entries
            } else {
                own.append(.init(key: Self.text(scalar), origin: origin, value: node))
            }
        }
        let keys = Set(own.map(\.key))
        return own + merged.filter { !keys.contains($0.key) }
    }

    /// What an alias stands for.
    private mutating func resolved(
        _ name: String, depth: Int, at origin: ConfigurationOrigin
    ) throws -> ConfigurationNode {
        guard let node = anchored[name] else {
            throw ConfigurationError(
                origin, key: nil, problem: "*\(name) stands for nothing",
                remedy: "write &\(name) before a value further up, or put quotes around text that starts with *")
        }
        try admit(node, depth: depth, at: origin)
        return node
    }

    /// Counts what an alias repeats.
    private mutating func admit(_ node: ConfigurationNode, depth: Int, at origin: ConfigurationOrigin) throws {
        try admit(depth: depth, at: origin)
        switch node.content {
        case .null, .scalar: break
        case .sequence(let nodes): for node in nodes { try admit(node, depth: depth + 1, at: origin) }
        case .mapping(let entries): for entry in entries { try admit(entry.value, depth: depth + 1, at: origin) }
        }
    }

    /// Counts one value.
    private mutating func admit(depth: Int, at origin: ConfigurationOrigin) throws {
        count += 1
        guard count < Self.maximumNodes else {
            throw ConfigurationError(
                origin, key: nil, problem: "more than \(Self.maximumNodes) values", remedy: "remove nested aliases")
        }
        guard depth <= Self.maximumDepth else {
            throw ConfigurationError(
                origin, key: nil, problem: "nested more than \(Self.maximumDepth) deep",
                remedy: "check the brackets and the indentation")
        }
    }

    /// The anchor that a plain scalar refers to; `nil` for any other scalar.
    private static func aliasName(_ scalar: Node.Scalar) -> String? {
        guard scalar.style == .plain, scalar.string.unicodeScalars.first == alias else { return nil }
        return String(scalar.string.unicodeScalars.dropFirst())
    }

    private static func text(_ scalar: Node.Scalar) -> String { replace(alias, by: "*", in: scalar.string) }

    /// By scalars, since `*` and a combining mark are one character.
    private static func replace(_ old: Unicode.Scalar, by new: Unicode.Scalar, in text: String) -> String {
        guard text.unicodeScalars.contains(old) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == old ? new : $0 }))
    }

    private func configurationError(_ error: YamlError) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ConfigurationError(
                place(mark.line), key: nil, problem: "not valid YAML: \(problem)",
                remedy: "check the indentation, quotes and brackets near column \(mark.column)")
        case .duplicatedKeysInMapping(let keys, let context):
            ConfigurationError(
                place(context.mark.line),
                key: Self.replace(Self.alias, by: "*", in: keys.joined(separator: ", ")),
                problem: "written twice in one block", remedy: "keep one of them")
        default:
            ConfigurationError(
                place(nil), key: nil, problem: "cannot be read as YAML: \(error)", remedy: "write it as UTF-8 text")
        }
    }
}
