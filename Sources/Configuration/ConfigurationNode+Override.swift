extension ConfigurationNode {
    /// Applies `a.b.c=value`, as given to `--set`; the value is read as YAML, and missing blocks are made.
    ///
    /// - Throws: ``ConfigurationError`` where there is no `=`, a part of the key is empty, the value is not YAML, or
    ///   the key leads through something that is not a block.
    package mutating func apply(override text: String) throws {
        let origin = ConfigurationOrigin.override(text)
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, path.allSatisfy({ !$0.isEmpty }), path.count <= Self.maximumDepth else {
            throw ConfigurationError(
                origin, key: nil, problem: "not of the form key=value",
                remedy: "write for example --set ppo.kl_coef=0.1")
        }
        let value = try ConfigurationNode(yaml: String(parts[1])) { _ in origin }
        try set(value, at: path[...], walked: [], origin: origin)
    }

    /// Keys within keys; a configuration has two levels.
    private static let maximumDepth = 16

    private mutating func set(
        _ value: ConfigurationNode, at path: ArraySlice<String>, walked: [String], origin: ConfigurationOrigin
    ) throws {
        guard let key = path.first else {
            self = value
            return
        }
        guard var entries else {
            throw ConfigurationError(
                origin, key: walked.joined(separator: "."), problem: "is \(found), not a block of keys",
                remedy: "set it as a whole, or a key that exists")
        }
        let index = entries.firstIndex { $0.key == key } ?? entries.endIndex
        if index == entries.endIndex {
            entries.append(Entry(key: key, origin: origin, value: ConfigurationNode(.null, origin: origin)))
        }
        // A block that is there stays where it was written, so that what it lacks is not said of the override.
        if path.count == 1 { entries[index].origin = origin }
        try entries[index].value.set(value, at: path.dropFirst(), walked: walked + [key], origin: origin)
        content = .mapping(entries)
    }
}
