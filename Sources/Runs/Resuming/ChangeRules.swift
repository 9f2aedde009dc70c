import Configuration

/// Says what a change of configuration or inputs means for a run that is resumed, by what each key's ``Field`` says of it.
package struct ChangeRules {
    /// The configuration as it is now.
    package let configuration: RunConfiguration
    /// The stages that have begun or are done.
    package let begun: Set<String>
    /// Those that are done.
    package let done: Set<String>

    package init(configuration: RunConfiguration, begun: Set<String>, done: Set<String> = []) {
        (self.configuration, self.begun, self.done) = (configuration, begun, done)
    }

    /// The keys whose values differ, in alphabetical order, with what that means.
    ///
    /// Keys that only one of the two has belong to another build, or to a stage that `stages` has gained or lost.
    ///
    /// - Parameter moved: Keys that name files which hold the same, wherever they lie now.
    package func changes(
        from earlier: [String: String], to settings: [String: String], moved: Set<String> = []
    ) -> [RunChange] {
        settings.keys.sorted().compactMap { key in
            guard let then = earlier[key], let now = settings[key], then != now else { return nil }
            let effect = effect(ofKey: key, then: then, now: now)
            guard effect != .none else { return nil }
            return RunChange(
                text: "\(key): \(then) then, \(now) now", effect: moved.contains(key) ? .safe : effect)
        }
    }

    /// The inputs whose contents differ, with what that means.
    package func changes(from earlier: [RunInput], to inputs: [RunInput]) -> [RunChange] {
        let earlier = Dictionary(earlier.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        return inputs.compactMap { input in
            guard let difference = earlier[input.key].flatMap({ input.difference(from: $0) }) else { return nil }
            return RunChange(text: difference, effect: effect(ofKey: input.key))
        }
    }

    private func effect(ofKey key: String, then: String = "", now: String = "") -> ChangeEffect {
        let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
        if key == "stages" { return keepsBegunStages(then) ? .safe : .numerics }
        if key == "dataset.train" { return effect(onReaders: .dataset(.train)) }
        if key == "dataset.eval" { return effect(onReaders: .dataset(.eval)) }
        if parts.count == 2, let stage = configuration.stage(named: parts[0]) {
            return effect(ofKey: parts[1], of: stage, then: then, now: now)
        }
        // What a stage takes over from the top level is compared among the stage's keys.
        switch RunConfiguration.effect(ofKey: key) {
        case .free: return .none
        case .watching: return .safe
        default: return begun.isEmpty ? .safe : .numerics
        }
    }

    private func effect(
        ofKey key: String, of stage: StageConfiguration, then: String, now: String
    ) -> ChangeEffect {
        let effect = stage.stage.effect(ofKey: key) ?? .numerics
        if effect == .free { return .none }
        if case .roundingBeyond(let values) = effect, values.contains(then), values.contains(now) { return .none }
        guard begun.contains(stage.name) else { return .safe }
        switch effect {
        case .free, .watching: return .safe
        case .choosing: return stage.stage.leavesBestModel ? .numerics : .safe
        case .concluding: return done.contains(stage.name) ? .numerics : .safe
        // Every step so far was as that value has it, or the run would have ended there.
        case .loosening(let value): return !done.contains(stage.name) && then == value ? .safe : .numerics
        case .rounding, .roundingBeyond: return .rounding
        case .numerics: return .numerics
        }
    }

    /// Data is safe to change while no stage that has begun trains on it or samples from it.
    private func effect(onReaders reference: ArtifactReference) -> ChangeEffect {
        let readers = configuration.stages.filter { stage in
            stage.inputs.contains { $0.reference == reference && (!$0.role.isHeldOut || stage.stage.leavesBestModel) }
        }
        return readers.contains { begun.contains($0.name) } ? .numerics : .safe
    }

    /// Whether every stage that has begun keeps its place, on which its directory and its random streams depend.
    private func keepsBegunStages(_ then: String) -> Bool {
        let names = RunIdentity.stageNames(then)
        return begun.allSatisfy { name in
            names.firstIndex(of: name) == configuration.stages.firstIndex { $0.name == name }
        } && begun.isSubset(of: configuration.stages.map(\.name))
    }
}
