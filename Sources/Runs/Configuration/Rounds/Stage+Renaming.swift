import Configuration

/// A reference by the names of the run, and where it was written, if that is elsewhere.
typealias RenamedReference = (reference: ArtifactReference, origin: ConfigurationOrigin?)

/// Gives a reference that a key holds the names of the run; `nil` where it has them.
typealias Renaming = (ArtifactReference, _ key: String, ConfigurationOrigin) throws -> RenamedReference?

extension Stage {
    /// The keys that name what the stage reads.
    var inputKeys: Set<String> { Set(fields.filter { $0.role is InputRole }.map(\.key)) }

    /// The entries of a block, those of blocks within it under dotted keys.
    func flattened(_ entries: [ConfigurationNode.Entry]) -> [ConfigurationNode.Entry] {
        let keys = keys
        return entries.flatMap { entry -> [ConfigurationNode.Entry] in
            guard let inner = entry.value.entries, keys.contains(where: { $0.hasPrefix("\(entry.key).") }) else {
                return [entry]
            }
            return inner.map { inner in
                ConfigurationNode.Entry(key: "\(entry.key).\(inner.key)", origin: inner.origin, value: inner.value)
            }
        }
    }

    /// The entries of a block with the stages that they name renamed.
    func renaming(
        _ entries: [ConfigurationNode.Entry], block: String, _ rename: Renaming
    ) throws -> [ConfigurationNode.Entry] {
        let inputs = inputKeys
        return try entries.map { entry in
            guard inputs.contains(entry.key) else { return entry }
            var entry = entry
            let key = "\(block).\(entry.key)"
            func renamed(_ node: ConfigurationNode) throws -> RenamedReference? {
                try ArtifactReference(node).flatMap { try rename($0, key, entry.origin) }
            }
            if case .sequence(let nodes) = entry.value.content {
                entry.value.content = .sequence(try nodes.map { try renamed($0)?.reference.node ?? $0 })
            } else if let new = try renamed(entry.value) {
                entry.value.content = new.reference.node.content
                entry.origin = new.origin ?? entry.origin
            }
            return entry
        }
    }
}

extension ArtifactReference {
    /// The same with the stage by its name in the run; `nil` where it has that already.
    func renamed(by names: [String: String]) -> RenamedReference? {
        guard case .stage(let name, let part) = self, let new = names[name] else { return nil }
        return (.stage(new, part: part), nil)
    }
}

extension Rounds {
    /// The stage of a round, and the part of what it leaves, that the words behind `previous.` name.
    ///
    /// - Throws: ``ConfigurationError``
    func previous(
        _ text: String?, key: String, at origin: ConfigurationOrigin
    ) throws -> (stage: String, part: String?) {
        let parts = text?.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) ?? []
        guard let stage = parts.first, stages.contains(stage) else {
            throw ConfigurationError(
                origin, key: key,
                problem: text.map { "'previous.\($0)' names no stage of a round" } ?? "'previous' alone names no stage",
                remedy: remedy(for: parts.first ?? "", after: "previous."))
        }
        return (stage, parts.count > 1 ? parts[1] : nil)
    }

    /// What to write in place of a name that no stage of a round has.
    func remedy(for name: String, after prefix: String = "") -> String {
        if let nearest = NearestName.of(name, in: stages) { return "did you mean \(prefix)\(nearest)?" }
        let choices = stages.map { prefix + $0 }
        return
            "write \(choices.alternatives)"
    }
}

extension ConfigurationNode {
    /// The item of a list that is this word.
    func item(named name: String) -> ConfigurationNode? {
        guard case .sequence(let items) = content else { return nil }
        return items.first { String($0) == name }
    }
}
