import Configuration

/// A run's list of stages with every round written out, so that nothing behind it knows of rounds.
///
/// `{rounds: 2, of: [sample, dpo]}` becomes `round-1-sample`, `round-1-dpo`, `round-2-sample`, `round-2-dpo`. Each has a block:
/// the keys of the block `dpo` with those of `round-2-dpo` over them, and the names of stages in it as they are in the run.
package struct RoundsExpansion {
    /// The top level, with the list written out.
    package private(set) var root: ConfigurationNode
    /// What a stage sees of the list, by its name in the run; none where the list has no rounds.
    package private(set) var views: [String: StageView] = [:]
    /// The names that rounds give their stages.
    package private(set) var names: Set<String> = []

    private let file: ConfigurationOrigin
    private let registry: Registry
    private var list: [ConfigurationNode] = []
    /// What the names of rounds' stages begin with.
    private var prefixes: Set<String> = []
    /// Stages that are no round's.
    private var plain: Set<String> = []
    /// What the next stage of the list sees.
    private var visible: [(name: String, type: any Stage)] = []
    private var aliases: [String: String] = [:]

    /// - Throws: ``ConfigurationError`` for what is wrong with an entry of rounds, or clashes with it.
    package init(_ root: ConfigurationNode, file: ConfigurationOrigin, _ registry: Registry) throws {
        (self.root, self.file, self.registry) = (root, file, registry)
        guard case .sequence(let items)? = root.value(of: "stages")?.content, items.contains(where: Rounds.areMeant)
        else { return }
        for item in items {
            if Rounds.areMeant(by: item) { try add(Rounds(item, file: file), item) } else { try add(plain: item) }
        }
        set("stages", ConfigurationNode(.sequence(list), origin: root.value(of: "stages")?.origin ?? file))
    }

    // MARK: Stages that are no round's

    private mutating func add(plain item: ConfigurationNode) throws {
        list.append(item)
        guard let name = String(item) else { return }
        try StageList.check(name, item)
        guard name != "previous" else {
            throw Self.error(item, "'previous' means the round before", "give the stage another name")
        }
        guard !names.contains(name), views[name] == nil || plain.contains(name) else { throw Self.clash(name, item) }
        let type = try StageList.type(of: name, item, in: root, registry)
        plain.insert(name)
        views[name] = StageView(levels: [visible.map(\.name)], aliases: aliases, isInRound: false)
        if let node = root.value(of: name), let entries = node.entries {
            let aliases = aliases
            let renamed = try type.renaming(type.flattened(entries), block: name) { reference, _, _ in
                reference.renamed(by: aliases)
            }
            set(name, ConfigurationNode(.mapping(renamed), origin: node.origin))
        }
        visible.append((name, type))
    }

    // MARK: Stages of rounds

    private mutating func add(_ rounds: Rounds, _ item: ConfigurationNode) throws {
        guard prefixes.insert(rounds.name).inserted else {
            throw Self.error(
                item, "two entries of rounds are named '\(rounds.name)'", "give one a name of its own, as name: more")
        }
        let given = root
        let types = try rounds.stages.map { name in
            let node = item.value(of: "of")?.item(named: name) ?? item
            try StageList.check(name, node)
            guard !plain.contains(name), views[name] == nil else { throw Self.clash(name, node) }
            return (name: name, type: try StageList.type(of: name, node, in: root, registry), node: node)
        }
        names.formUnion(rounds.stages)
        let first = FirstRoundNames(rounds, types.map { ($0.name, $0.type) }, before: visible, aliases)
        try first.check(usedBy: types.flatMap { references(of: $0.type, named: $0.name, in: rounds) })
        try checkBlocks(of: rounds)
        for round in 1...rounds.count {
            let own = Dictionary(uniqueKeysWithValues: rounds.stages.map { ($0, rounds.flatName($0, round: round)) })
            let known = aliases.merging(own) { $1 }
            var done: [String] = []
            for (name, type, node) in types {
                let flat = rounds.flatName(name, round: round)
                try StageList.check(flat, node)
                guard !plain.contains(flat), !names.contains(flat), views[flat] == nil else {
                    throw Self.clash(flat, node)
                }
                views[flat] = StageView(levels: [done, visible.map(\.name)], aliases: known, isInRound: true)
                try writeBlock(of: name, type, as: flat, from: given, at: node) { reference, key, origin in
                    guard case .stage("previous", let part) = reference else { return reference.renamed(by: known) }
                    let (stage, rest) = try rounds.previous(part, key: key, at: origin)
                    if round == 1 { return try first.reference(stage, part: rest, key: key, at: origin) }
                    return (.stage(rounds.flatName(stage, round: round - 1), part: rest), nil)
                }
                list.append(ConfigurationNode(.scalar(flat, isText: true), origin: node.origin))
                done.append(flat)
            }
        }
        for (name, type, _) in types {
            if let old = aliases[name] { visible.removeAll { $0.name == old } }
            aliases[name] = rounds.flatName(name, round: rounds.count)
            visible.append((rounds.flatName(name, round: rounds.count), type))
        }
    }

    /// Writes the block of one round's stage: the keys of the block that serves every round, and over them those of its own.
    private mutating func writeBlock(
        of name: String, _ type: any Stage, as flat: String, from given: ConfigurationNode, at item: ConfigurationNode,
        _ rename: Renaming
    ) throws {
        let shared = given.value(of: name)
        let own = given.value(of: flat)
        if let own, own.entries == nil {
            throw ConfigurationError(
                own.origin, key: flat, problem: "expected a block of keys, found \(own.found)",
                remedy: "write key: value lines, indented, under \(flat):")
        }
        let ownEntries = type.flattened(own?.entries ?? [])
        if let node = own?.value(of: "type"), String(node) != type.type {
            throw ConfigurationError(
                node.origin, key: "\(flat).type", problem: "'\(name)' is of type \(type.type) in every round",
                remedy: "leave it out, or list a stage of another name")
        }
        let keys = Set(ownEntries.map(\.key) + ["type"])
        let sharedEntries = type.flattened(shared?.entries ?? []).filter { !keys.contains($0.key) }
        let origin = own?.origin ?? shared?.origin ?? item.origin
        let entries =
            [
                ConfigurationNode.Entry(
                    key: "type", origin: origin, value: ConfigurationNode(.scalar(type.type, isText: true)))
            ]
            + (try type.renaming(sharedEntries, block: name, rename))
            + (try type.renaming(ownEntries.filter { $0.key != "type" }, block: flat, rename))
        set(flat, ConfigurationNode(.mapping(entries), origin: origin))
    }

    /// Refuses blocks of rounds that there are not.
    private func checkBlocks(of rounds: Rounds) throws {
        for entry in root.entries ?? [] {
            guard let (round, _) = rounds.place(of: entry.key), !(1...rounds.count).contains(round),
                !plain.contains(entry.key)
            else { continue }
            throw ConfigurationError(
                entry.origin, key: entry.key,
                problem: "there is no such round: rounds is \(rounds.count)",
                remedy: "raise rounds, or take the block out")
        }
    }

    /// What the blocks of a stage name, whichever round they are for.
    private func references(of type: any Stage, named name: String, in rounds: Rounds) -> [ArtifactReference] {
        let blocks = (root.entries ?? []).filter { $0.key == name || rounds.place(of: $0.key)?.stage == name }
        return blocks.flatMap { block in
            type.flattened(block.value.entries ?? []).filter { type.inputKeys.contains($0.key) }.flatMap {
                [ArtifactReference]($0.value) ?? []
            }
        }
    }

    // MARK: Helpers

    private mutating func set(_ key: String, _ value: ConfigurationNode) {
        var entries = root.entries ?? []
        if let index = entries.lastIndex(where: { $0.key == key }) {
            entries[index].value = value
        } else {
            entries.append(ConfigurationNode.Entry(key: key, origin: value.origin, value: value))
        }
        root.content = .mapping(entries)
    }

    private static func clash(_ name: String, _ node: ConfigurationNode) -> ConfigurationError {
        error(
            node, "'\(name)' is the name of another stage, of rounds or beside them",
            "give one a name and block of its own, or the rounds a name")
    }

    private static func error(_ node: ConfigurationNode, _ problem: String, _ remedy: String) -> ConfigurationError {
        ConfigurationError(node.origin, key: "stages", problem: problem, remedy: remedy)
    }
}
