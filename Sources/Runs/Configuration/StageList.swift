import Configuration

/// The names and types of a run's stages, from `stages:` and the blocks that go by their names.
package struct StageList {
    /// In order, every round written out.
    package let stages: [(name: String, type: any Stage)]
    /// The top level, with a block for each stage of a round.
    package let root: ConfigurationNode
    private let rounds: RoundsExpansion
    private let registry: Registry

    package var names: [String] { stages.map(\.name) }

    /// Reads the list from the top level of a configuration.
    ///
    /// - Throws: ``ConfigurationError`` for a stage that is no type and has no block with one, is listed twice, or
    ///   takes the name of something else.
    package init(_ root: ConfigurationNode, file: ConfigurationOrigin, _ registry: Registry) throws {
        self.registry = registry
        guard root.entries != nil else {
            throw ConfigurationError(
                root.origin, key: nil, problem: "expected a block of keys, found \(root.found)",
                remedy: "write key: value lines")
        }
        rounds = try RoundsExpansion(root, file: file, registry)
        let root = rounds.root
        self.root = root
        let node = root.value(of: "stages") ?? registry.recipe.node
        var stages: [(name: String, type: any Stage)] = []
        for item in try Self.items(node) {
            guard let name = String(item) else {
                throw Self.error(
                    item, "expected a stage's name, found \(item.found)", "write options in a block of its name")
            }
            try Self.check(name, item)
            guard !stages.contains(where: { $0.name == name }) else {
                let other = "\(name)-2: {type: \(try Self.type(of: name, item, in: root, registry).type)}"
                throw Self.error(item, "'\(name)' is listed twice", "give one a name and block of its own, as \(other)")
            }
            stages.append((name, try Self.type(of: name, item, in: root, registry)))
        }
        self.stages = stages
    }

    /// All names that a block can have, those of stages in every round among them.
    package var blockNames: [String] { names + rounds.names.sorted() }

    /// What the stage of a name sees of the list; `nil` where there are no rounds.
    package func view(of name: String) -> StageView? { rounds.views[name] }

    /// The names that rounds give their stages.
    package var namesInRounds: Set<String> { rounds.names }

    /// Blocks of stage options, of stages that are listed and of others that wait to be: those named after a type or
    /// with a `type`.
    package func blocks() -> [(key: String, type: any Stage, node: ConfigurationNode)] {
        let reserved = Set(RunConfiguration.fields.map(\.key) + Self.reserved)
        return (root.entries ?? []).compactMap { entry in
            let named = entry.value.value(of: "type").flatMap { String($0) } ?? entry.key
            guard !reserved.contains(entry.key), let type = registry.stage(ofType: named) else { return nil }
            return (entry.key, type, entry.value)
        }
    }

    /// The blocks, by the name of their type, that know a key.
    package func blocks(knowing key: String, except type: String? = nil) -> [String] {
        let inStages = registry.stages.filter { $0.type != type && $0.keys.contains(key) }.map(\.type)
        let inDataset = DatasetOptions.fields.contains { $0.key == key } ? ["dataset"] : []
        let atTop = type != nil && RunConfiguration.fields.contains { $0.key == key } ? ["the top level"] : []
        return atTop + inDataset + inStages
    }

    private static let reserved = ["dataset", "stages", "base"]

    private static func items(_ node: ConfigurationNode) throws -> [ConfigurationNode] {
        switch node.content {
        case .sequence(let items) where !items.isEmpty: return items
        case .scalar: return [node]
        case .sequence:
            throw error(
                node, "the list is empty", "name stages, as in [sft, dpo], or leave the key out for all of them")
        default:
            throw error(
                node, "expected a list of stages, found \(node.found)",
                "write for example [sft, reward, split, dpo, ppo]")
        }
    }

    /// The type of a stage that the list names.
    static func type(
        of name: String, _ item: ConfigurationNode, in root: ConfigurationNode, _ registry: Registry
    ) throws -> any Stage {
        let types = registry.types
        let all = "types are \(types.joined(separator: ", "))"
        if let node = root.value(of: name)?.value(of: "type") {
            let text = String(node) ?? ""
            if let type = registry.stage(ofType: text) { return type }
            let nearest = NearestName.of(text, in: types).map { "did you mean \($0)? " } ?? ""
            throw ConfigurationError(
                node.origin, key: "\(name).type", problem: "\(node.found) is no stage type", remedy: nearest + all)
        }
        if let type = registry.stage(ofType: name) { return type }
        let blocks = (root.entries ?? []).filter { $0.value.value(of: "type") != nil }.map(\.key)
        let nearest = NearestName.of(name, in: types + blocks)
        // A number or a word behind a type is a name for a second stage of it.
        let kinds = types.filter { name.hasPrefix($0) || $0 == nearest }
        let kind = kinds.max { $0.count < $1.count } ?? "dpo"
        let give = "\(nearest.map { "did you mean \($0)? Give" } ?? "give") it a block, as \(name): {type: \(kind)}; "
        throw error(item, "unknown stage '\(name)'", give + all)
    }

    /// A stage's name becomes a directory, a dotted key and a word in references.
    static func check(_ name: String, _ item: ConfigurationNode) throws {
        let allowed = name.utf8.allSatisfy { byte in
            (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        guard allowed, name.first?.isLetter ?? false, name.utf8.count <= 64 else {
            throw error(item, "'\(name)' cannot be a stage's name", "begin with a letter; use letters, digits, - and _")
        }
        guard !reserved.contains(name), !RunConfiguration.fields.contains(where: { $0.key == name }) else {
            throw error(item, "'\(name)' is a word of the configuration itself", "give the stage another name")
        }
    }

    private static func error(_ node: ConfigurationNode, _ problem: String, _ remedy: String) -> ConfigurationError {
        ConfigurationError(node.origin, key: "stages", problem: problem, remedy: remedy)
    }
}
