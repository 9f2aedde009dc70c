import Configuration

/// An entry of `stages` that stands for stages which are done several times over:
/// `{rounds: 3, name: round, of: [sample, dpo]}`.
package struct Rounds: Sendable {
    /// How many rounds there are.
    package var count = 0
    /// What the names of their stages begin with.
    package var name = "round"
    /// The stages of a round as the list has them, in order.
    package var stages: [String] = []
    /// What stands for the round before in the first one.
    package var first = FirstRound()

    /// The defaults.
    package init() {}

    /// The name of one round's stage: `round-2-dpo`.
    package func flatName(_ stage: String, round: Int) -> String { "\(name)-\(round)-\(stage)" }

    /// The round and stage that a name is of, whether or not there are so many rounds.
    package func place(of flat: String) -> (round: Int, stage: String)? {
        guard flat.hasPrefix(name + "-") else { return nil }
        let parts = flat.dropFirst(name.utf8.count + 1).split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let round = Int(parts[0]), stages.contains(String(parts[1])) else { return nil }
        return (round, String(parts[1]))
    }
}

extension Rounds: KeyedOptions {
    /// More would be a mistake: each has directories of its own.
    private static let limits = 1...1000

    package static let fields = Field<Self>.list {
        Field(
            "rounds", \.count, .between(limits.lowerBound, limits.upperBound), default: "required",
            "How many times the stages are done, one round after another.")
        Field("name", \.name, .notEmpty, "What the names of their stages begin with, as in round-1-sample.")
        Field("of", \.stages, .notEmpty, default: "required", "The stages of a round, in order.")
        Field(
            "first", \.first, default: "the only stage before that leaves the like, or base for a policy",
            "What previous.NAME is in the first round: a stage before the rounds, base or a path; or a block with one for "
                + "each NAME.")
    }

    /// Whether an item of `stages` means rounds.
    package static func areMeant(by item: ConfigurationNode) -> Bool {
        ["rounds", "of"].contains { item.value(of: $0) != nil }
    }

    /// Reads an item of `stages`.
    ///
    /// - Throws: ``ConfigurationError``
    package init(_ item: ConfigurationNode, file: ConfigurationOrigin) throws {
        self.init()
        if let node = item.value(of: "rounds"), Int(node).map({ !Self.limits.contains($0) }) ?? true {
            throw ConfigurationError(
                node.origin, key: "stages.rounds",
                problem: "expected an integer, between \(Self.limits.lowerBound) and \(Self.limits.upperBound), "
                    + "found \(node.found)",
                remedy: "say how many there are, as in rounds: 3")
        }
        if let node = item.value(of: "of") { try Self.check(stages: node) }
        var reader = ConfigurationReader(file: file)
        let given = try reader.read(&self, from: item, block: "stages")
        for (key, example) in [("rounds", "rounds: 3"), ("of", "of: [sample, dpo]")] where !given.contains(key) {
            throw ConfigurationError(
                item.origin, key: "stages.\(key)", problem: "missing", remedy: "write for example \(example)")
        }
    }

    private static func check(stages node: ConfigurationNode) throws {
        let items = if case .sequence(let items) = node.content { items } else { [node] }
        var seen: Set<String> = []
        guard !items.isEmpty, !node.isNull else {
            throw error(node, "is empty", "name the stages of a round, as in of: [sample, dpo]")
        }
        for item in items {
            guard !areMeant(by: item) else {
                throw error(item, "rounds within rounds", "list the stages of one round, as in of: [sample, dpo]")
            }
            guard let name = String(item) else {
                throw error(
                    item, "expected a stage's name, found \(item.found)", "write options in a block of its name")
            }
            guard name != "previous" else {
                throw error(item, "'previous' means the round before", "give the stage another name")
            }
            guard seen.insert(name).inserted else {
                throw error(
                    item, "'\(name)' is listed twice",
                    "give one a name and block of its own, as \(name)-2: {type: \(name)}")
            }
        }
    }

    private static func error(_ node: ConfigurationNode, _ problem: String, _ remedy: String) -> ConfigurationError {
        ConfigurationError(node.origin, key: "stages.of", problem: problem, remedy: remedy)
    }
}
