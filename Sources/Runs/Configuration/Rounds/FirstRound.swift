import Configuration

/// What `previous.NAME` is in the first of some rounds: one thing for all names, or one for each.
package struct FirstRound: Sendable {
    /// What is named, by `NAME` or `NAME.PART`; an empty name stands for all.
    package private(set) var entries: [(name: String, origin: ConfigurationOrigin, reference: ArtifactReference)] = []

    /// Nothing.
    package init() {}

    /// What is said of a stage, or of a part of what it leaves.
    package func entry(_ stage: String, part: String?) -> (
        name: String, origin: ConfigurationOrigin, reference: ArtifactReference
    )? {
        let names = [part.map { "\(stage).\($0)" }, stage, ""].compactMap(\.self)
        return names.lazy.compactMap { name in entries.first { $0.name == name } }.first
    }

    /// The stage that an entry's name is of.
    package static func stage(ofName name: String) -> String { String(name.prefix { $0 != "." }) }
}

extension FirstRound: ConfigurationValue {
    package static var kind: String { "a stage's name or a path, or a block with one for each stage of a round" }

    package init?(_ node: ConfigurationNode) {
        if let blocks = node.entries {
            for entry in blocks {
                guard let reference = ArtifactReference(entry.value) else { return nil }
                entries.append((entry.key, entry.origin, reference))
            }
        } else {
            guard let reference = ArtifactReference(node) else { return nil }
            entries = [("", node.origin, reference)]
        }
    }

    package var node: ConfigurationNode {
        if let all = entries.first(where: { $0.name.isEmpty }) { return all.reference.node }
        return ConfigurationNode(
            .mapping(entries.map { .init(key: $0.name, origin: $0.origin, value: $0.reference.node) }))
    }
}
