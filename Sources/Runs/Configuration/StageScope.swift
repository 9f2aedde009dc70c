import Configuration

/// What a stage's options are resolved against: the run, the stages before it and the keys that were given.
package struct StageScope {
    /// The run, with the stages before this one.
    package let run: RunConfiguration
    /// All names of the run in order, later ones included.
    package let stageNames: [String]
    /// The stage's own name.
    package let name: String
    /// The keys that its block gives.
    package let given: Set<String>
    /// The places of all keys.
    package let origins: [String: ConfigurationOrigin]
    package let file: ConfigurationOrigin
    /// What this stage sees of the stages before it.
    private let view: StageView
    /// The names that rounds of the run give their stages.
    private let namesInRounds: Set<String>

    package init(
        run: RunConfiguration, stageNames: [String], name: String, given: Set<String>,
        origins: [String: ConfigurationOrigin], file: ConfigurationOrigin, view: StageView? = nil,
        namesInRounds: Set<String> = []
    ) {
        (self.run, self.stageNames, self.name) = (run, stageNames, name)
        (self.given, self.origins, self.file) = (given, origins, file)
        self.view = view ?? StageView(levels: [run.stages.map(\.name)], aliases: [:], isInRound: false)
        self.namesInRounds = namesInRounds
    }

    /// An error about one key of this stage, or of the run where `key` is dotted and no key of this stage.
    package func error(_ key: String, _ problem: String, _ remedy: String) -> ConfigurationError {
        let isOfRun = key.contains(".") && origins["\(name).\(key)"] == nil && !key.hasPrefix("\(name).")
        let dotted = isOfRun || key.hasPrefix("\(name).") ? key : "\(name).\(key)"
        return ConfigurationError(
            origins[dotted] ?? origins[name] ?? file, key: dotted, problem: problem, remedy: remedy)
    }

    /// The earlier stage of this type that an input means when it names none: the one named after its type, or the only
    /// one; `nil` where there is none. In a round one of this round comes before others; behind rounds only the last counts.
    ///
    /// - Throws: ``ConfigurationError`` where several are equally good.
    package func earlier(_ type: String, for key: String) throws -> String? {
        try earlier([type], for: key)?.name
    }

    /// The same for the first of several types that has a stage; a stage of the own round comes before others of any type.
    private func earlier(_ types: [String], for key: String) throws -> (type: String, name: String)? {
        for names in view.levels {
            for type in types {
                let candidates = run.stages.filter { $0.type == type && names.contains($0.name) }.map(\.name)
                let named = view.aliases[type] ?? type
                if candidates.count == 1 { return (type, candidates[0]) }
                if candidates.contains(named) { return (type, named) }
                guard candidates.isEmpty else {
                    let choices = candidates.map(view.name)
                    throw error(
                        key, "\(choices.joined(separator: " and ")) are both \(type) stages before it",
                        "say which, as in \(key): \(choices[0])")
                }
            }
        }
        return nil
    }

    /// The policy that training starts from: the first of these types that has a stage before this one, else the base
    /// model.
    package func policy(from types: [String], for key: String) throws -> ArtifactReference {
        try earlier(types, for: key).map { .stage($0.name, part: nil) } ?? .base
    }

    /// The rows that a stage reads: those of the first of these types that has a stage before this one, or a part of them, else
    /// the training files.
    package func rows(from types: [(type: String, part: String?)], for key: String) throws -> [ArtifactReference] {
        guard let found = try earlier(types.map(\.type), for: key) else { return [.dataset(.train)] }
        return [.stage(found.name, part: types.first { $0.type == found.type }?.part)]
    }

    /// What an earlier stage of this type leaves, as a reward.
    package func reward(from type: String, for key: String) throws -> ArtifactReference {
        guard let stage = try earlier(type, for: key) else {
            throw error(
                key, "no \(type) stage comes before it",
                "add one to stages, or give a model directory, rule:NAME, command:LINE or openai:URL#MODEL")
        }
        return .stage(stage, part: nil)
    }

    /// Checks that every input can give what it has to be, those of held-out data but that they may be none.
    package func checkInputs(of stage: some Stage) throws {
        for input in stage.inputs { try check(input.reference, is: input.role.kind, for: input.key) }
        try checkJudging(of: stage)
        for field in stage.fields {
            guard let role = field.role as? InputRole, !role.isHeldOut, !role.isOptional else { continue }
            guard stage.inputs.contains(where: { $0.key == field.key }) else {
                throw error(field.key, "is empty", "name \(role.kind.description)")
            }
        }
    }

    /// Checks that a reference can give this kind of thing: that a stage it names exists, comes earlier and leaves it.
    package func check(_ reference: ArtifactReference, is kind: InputKind, for key: String) throws {
        switch reference {
        case .base:
            guard kind == .policy || kind == .model else { throw mismatch(reference, kind, key, "is a policy") }
        case .dataset(let part):
            guard kind.rows != nil else { throw mismatch(reference, kind, key, "is data") }
            if part == .train, run.dataset.train.isEmpty {
                throw error(
                    "dataset.train", "no files, but \(name).\(key) reads them",
                    "list data files or directories under dataset: train:"
                )
            }
        case .rule, .command:
            guard kind.isReward else { throw mismatch(reference, kind, key, "is a reward") }
        case .openai(let text):
            guard kind.isReward else { throw mismatch(reference, kind, key, "is a reward") }
            do throws(ChatEndpoint.Fault) { _ = try ChatEndpoint(text) } catch {
                throw self.error(key, "'\(reference)' \(error.reason)", error.remedy)
            }
        case .column:
            guard kind == .rowReward else {
                let what = kind == .reward ? "is of rows, and what is sampled has none" : "is a reward"
                throw mismatch(reference, kind, key, what)
            }
        case .path(let path):
            guard !path.isEmpty else { throw error(key, "is empty", "give a path or a stage's name") }
        case .stage(let stage, let part):
            try checkStage(stage, part: part, is: kind, for: key)
        }
    }

    /// Checks every reference of a list, which may not be empty.
    package func check(_ references: [ArtifactReference], is kind: InputKind, for key: String) throws {
        guard !references.isEmpty else { throw error(key, "is empty", "name \(kind.description)") }
        for reference in references { try check(reference, is: kind, for: key) }
    }

    private func checkStage(_ stage: String, part: String?, is kind: InputKind, for key: String) throws {
        let text = ArtifactReference.stage(view.name(of: stage), part: part).description
        guard let found = run.stages.first(where: { $0.name == stage }) else {
            throw missing(stage, text, for: key)
        }
        guard kind.accepts(found.stage.leaves) else {
            let noun =
                found.stage.leaves == .completions && kind.rows != nil ? "pairs, but single completions" : kind.noun
            throw error(
                key,
                "stage '\(view.name(of: stage))' (\(found.type)) leaves no \(noun)",
                remedy(for: kind))
        }
        let parts = if case .pairs(let parts)? = found.stage.leaves { parts } else { [String]() }
        guard part.map(parts.contains) ?? parts.isEmpty else {
            let name = view.name(of: stage)
            let ways = parts.isEmpty ? name : parts.map { "\(name).\($0)" }.alternatives
            throw error(key, "'\(text)' is not something that stage '\(name)' leaves", "write \(ways)")
        }
    }

    /// No stage of this name comes before this one.
    private func missing(_ stage: String, _ text: String, for key: String) -> ConfigurationError {
        let name = view.name(of: self.name)
        let previous = view.isInRound ? ", or the round before's, as previous.\(view.name(of: stage))" : ""
        if stage == self.name {
            return error(key, "'\(text)' is the stage itself", "name an earlier stage\(previous)")
        }
        if stageNames.contains(stage) {
            let isOfRound = view.aliases.values.contains(stage)
            return error(
                key, "stage '\(view.name(of: stage))' comes later",
                "move \(view.name(of: stage)) before \(name) in stages"
                    + (isOfRound ? ", or write previous.\(view.name(of: stage)) for the round before's" : ""))
        }
        if namesInRounds.contains(stage) {
            return error(key, "stage '\(stage)' is one of rounds that come later", "name an earlier stage")
        }
        if stage == "previous" {
            return error(key, "'\(text)' means nothing outside rounds", "name an earlier stage")
        }
        let nearest = NearestName.of(stage, in: visible.map(view.name)).map { "did you mean \($0)? " } ?? ""
        let path = "\(nearest.isEmpty ? "a" : "A") path is written with a slash, as ./\(text)"
        return error(key, "no stage '\(stage)' in stages", nearest + path)
    }

    /// The stages before this one that it sees, in their order.
    private var visible: [String] { view.levels.reversed().flatMap(\.self) }

    private func mismatch(
        _ reference: ArtifactReference, _ kind: InputKind, _ key: String, _ what: String
    ) -> ConfigurationError {
        error(key, "expected \(kind.description), but '\(reference)' \(what)", remedy(for: kind))
    }

    private func remedy(for kind: InputKind) -> String {
        let seen = visible
        let stages = run.stages.filter { seen.contains($0.name) && kind.accepts($0.stage.leaves) }.map {
            view.name(of: $0.name)
        }
        let others =
            switch kind {
            case .policy, .model: ["base", "a model directory"]
            case .reward: ["a model directory", "rule:NAME", "command:LINE", "openai:URL#MODEL"]
            case .rowReward: ["a model directory", "rule:NAME", "command:LINE", "openai:URL#MODEL", "column:NAME"]
            case .rows: ["dataset.train", "data files"]
            }
        let choices = stages + others
        return "write \(choices.alternatives)"
    }
}
