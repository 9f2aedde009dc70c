/// Reads blocks of keys into options, and remembers where each value came from.
package struct ConfigurationReader {
    /// The file as a whole, for what is missing from it.
    package let file: ConfigurationOrigin
    /// The place of every key that was given, by dotted name.
    package private(set) var origins: [String: ConfigurationOrigin] = [:]

    private let foreignKeys: ForeignKeys

    package init(file: ConfigurationOrigin, foreignKeys: ForeignKeys = .none) {
        (self.file, self.foreignKeys) = (file, foreignKeys)
    }

    /// Reads the keys of `node` into `options` and returns those that were given.
    ///
    /// - Parameters:
    ///   - fields: the keys that the block knows; those of the type where they are not told.
    ///   - defaults: the options as they are without any key.
    ///   - block: the dotted name of the block, empty at the top level.
    ///   - others: keys of the block that are not the options' and are read elsewhere.
    ///   - elsewhere: in which blocks a key that is unknown here is known.
    /// - Throws: ``ConfigurationError`` for an unknown key, a wrong type or a value out of range.
    @discardableResult
    package mutating func read<Options: KeyedOptions>(
        _ options: inout Options, fields known: [Field<Options>]? = nil, defaults: Options = Options(),
        from node: ConfigurationNode, block: String, others: [String] = [],
        elsewhere: (String) -> [String] = { _ in [] }
    ) throws -> Set<String> {
        guard let entries = node.entries else {
            throw ConfigurationError(
                node.origin, key: block.isEmpty ? nil : block, problem: "expected a block of keys, found \(node.found)",
                remedy: "write key: value lines\(block.isEmpty ? "" : ", indented, under \(block):")")
        }
        let known = known ?? options.fields
        let fields = Dictionary(uniqueKeysWithValues: known.map { ($0.key, $0) })
        var given: Set<String> = []
        for entry in entries {
            let entry = try respelled(entry, for: known, given, block)
            let key = block.isEmpty ? entry.key : "\(block).\(entry.key)"
            origins[key] = entry.origin
            guard !others.contains(entry.key) else { continue }
            let inner = known.compactMap { $0.key.hasPrefix("\(entry.key).") ? $0.inner(of: entry.key) : nil }
            guard inner.isEmpty else {
                // A block within the block.
                let keys = try read(&options, fields: inner, defaults: defaults, from: entry.value, block: key)
                given.formUnion(keys.map { "\(entry.key).\($0)" })
                continue
            }
            guard let field = fields[entry.key] else {
                let names = known.map { String($0.key.prefix { $0 != "." }) }
                throw UnknownKey(entry: entry, siblings: entries, key: key).error(
                    known: names.indices.filter { names.firstIndex(of: names[$0]) == $0 }.map { names[$0] } + others,
                    elsewhere: elsewhere(entry.key),
                    nested: known.map(\.key).first { $0.replacing(".", with: "_") == entry.key },
                    inner: block.isEmpty ? [] : known.map(\.key).filter { $0.hasSuffix(".\(entry.key)") }, foreignKeys)
            }
            guard field.read(&options, entry.value) else {
                let kind = field.words.isEmpty ? field.kind : "a word that \(field.key) takes, or a list of such"
                let wrong = field.words.isEmpty ? nil : [String](entry.value)?.first { !field.words.contains($0) }
                throw ConfigurationError(
                    entry.origin, key: key,
                    problem: "expected \(kind), found \(wrong.map { "'\($0)'" } ?? entry.value.found)",
                    remedy: Self.remedy(for: field, entry.value, defaults: defaults))
            }
            given.insert(entry.key)
        }
        return given
    }

    /// The entry under the field's own key where it is another way to write that.
    private func respelled<Options>(
        _ entry: ConfigurationNode.Entry, for fields: [Field<Options>], _ given: Set<String>, _ block: String
    ) throws -> ConfigurationNode.Entry {
        let field = fields.first { $0.spelling?.key == entry.key || $0.key == entry.key }
        guard let field, let spelling = field.spelling else { return entry }
        let key = block.isEmpty ? entry.key : "\(block).\(entry.key)"
        guard !given.contains(field.key) else {
            throw ConfigurationError(
                entry.origin, key: key, problem: "\(field.key) and \(spelling.key) say the same thing twice",
                remedy: "keep one of them")
        }
        guard entry.key == spelling.key else { return entry }
        guard let value = spelling.value(entry.value) else {
            throw ConfigurationError(
                entry.origin, key: key, problem: "expected \(spelling.kind), found \(entry.value.found)",
                remedy: "or give \(field.key): \(field.kind)")
        }
        return ConfigurationNode.Entry(key: field.key, origin: entry.origin, value: value)
    }

    /// Remembers a key that is read outside ``read(_:from:block:others:elsewhere:)``.
    package mutating func note(_ key: String, at origin: ConfigurationOrigin) {
        origins[key] = origin
    }

    private static func remedy<Options>(
        for field: Field<Options>, _ found: ConfigurationNode, defaults: Options
    ) -> String {
        if let advice = field.advice(found) { return advice }
        let wrong = [String](found)?.first { !field.candidates.contains($0) }
        if let nearest = wrong.flatMap({ NearestName.of($0, in: field.candidates) }) {
            return "did you mean \(nearest)?"
        }
        if !field.words.isEmpty { return "launch/CONFIGURATION.md lists them" }
        if let text = field.defaultText { return "leave it out for the default (\(text))" }
        return "leave it out for the default, \(field.key): \(ConfigurationWriter.inline(field.write(defaults)))"
    }
}
