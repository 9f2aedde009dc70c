import Configuration

/// What `previous.NAME` is in the first of some rounds: what `first` says, or else the one stage before the rounds that leaves
/// the like.
struct FirstRoundNames {
    private let rounds: Rounds
    /// The stages of a round.
    private let types: [String: any Stage]
    /// What the rounds see before them.
    private let before: [(name: String, type: any Stage)]
    private let aliases: [String: String]

    init(
        _ rounds: Rounds, _ types: [(String, any Stage)], before: [(name: String, type: any Stage)],
        _ aliases: [String: String]
    ) {
        (self.rounds, self.before, self.aliases) = (rounds, before, aliases)
        self.types = Dictionary(types, uniquingKeysWith: { first, _ in first })
    }

    /// Checks that every entry of `first` names what is there before the rounds, and is read by one of `references`.
    func check(usedBy references: [ArtifactReference]) throws {
        let read = references.compactMap { if case .stage("previous", let part?) = $0 { part } else { nil } }
        for entry in rounds.first.entries {
            let stage = FirstRound.stage(ofName: entry.name)
            guard entry.name.isEmpty || types[stage] != nil else {
                throw error(entry.origin, "'\(entry.name)' is no stage of a round", rounds.remedy(for: stage))
            }
            if case .stage(let name, _) = entry.reference, aliases[name] == nil,
                name == "previous" || types[name] != nil
            {
                throw error(
                    entry.origin, "'\(entry.reference)' is not there before the rounds",
                    "name a stage before them, base or a path")
            }
            let isRead = read.contains { part in
                entry.name.isEmpty || part == entry.name || part.hasPrefix(entry.name + ".")
            }
            guard isRead else {
                let what = entry.name.isEmpty ? "" : ".\(entry.name)"
                throw error(
                    entry.origin, "no stage of a round reads previous\(what)",
                    "write it where it is meant, as in init: previous\(what.isEmpty ? ".\(rounds.stages[0])" : what), or "
                        + "take first out")
            }
        }
    }

    /// What `previous.STAGE` or `previous.STAGE.PART` is, and where that was said.
    func reference(
        _ stage: String, part: String?, key: String, at origin: ConfigurationOrigin
    ) throws -> RenamedReference {
        let text = ["previous", stage, part].compactMap(\.self).joined(separator: ".")
        if let entry = rounds.first.entry(stage, part: part) {
            let reference = entry.reference.renamed(by: aliases)?.reference ?? entry.reference
            guard let part, entry.name != "\(stage).\(part)" else { return (reference, entry.origin) }
            guard case .stage(let name, nil) = reference else {
                throw error(
                    entry.origin, "'\(reference)' has no part '\(part)', but \(key) reads \(text)",
                    "say what it is, as in first: {\(stage).\(part): pairs.jsonl}")
            }
            return (.stage(name, part: part), entry.origin)
        }
        let leaves = types[stage]?.leaves
        let candidates = before.filter { $0.type.leaves == leaves && leaves != nil }.map(\.name)
        if candidates.count == 1 { return (.stage(candidates[0], part: part), nil) }
        if candidates.isEmpty, leaves == .policy, part == nil { return (.base, nil) }
        throw ConfigurationError(
            origin, key: key,
            problem: "the first round has no \(text): "
                + (candidates.isEmpty
                    ? "no stage before the rounds leaves the like"
                    : "\(candidates.joined(separator: " and ")) come before the rounds"),
            remedy: "say what it is there, as in first: {\(stage): \(candidates.first ?? "PATH")} beside rounds")
    }

    private func error(_ origin: ConfigurationOrigin, _ problem: String, _ remedy: String) -> ConfigurationError {
        ConfigurationError(origin, key: "stages.first", problem: problem, remedy: remedy)
    }
}
