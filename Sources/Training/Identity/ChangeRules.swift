import Configuration

/// Says what a change of configuration or inputs means for a run that is resumed. It is the one place that does.
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

    /// Where a run lies, how long it waits, what it keeps in memory, and who computes what, which ``Topology`` judges;
    /// `dataset`'s lengths are defaults of the stages'.
    package static let free: Set = [
        "output_dir", "threads_per_rank", "placement", "learners", "dataset.max_length", "dataset.max_prompt_length",
        "dataset.truncation_mode", "stall_warning_seconds", "stall_timeout_seconds", "zero", "gradient_checkpointing",
    ]

    /// Keys that say how a run is watched and saved; in a stage or for all.
    package static let watching: Set = [
        "logging_steps", "report_to", "save_steps", "save_total_limit", "eval_steps", "eval_data",
    ]

    /// Keys of a stage that bound memory, and change how sums are rounded.
    package static let rounding: Set = ["max_tokens_per_micro_batch", "generation_batch_size"]

    /// Watching keys that choose the model which a stage with `load_best_model_at_end` leaves.
    package static let choosing: Set = ["eval_steps", "eval_data", "save_steps"]

    /// Keys of a stage that enter only what it makes of its items in the end.
    package static let concluding: [StageType: Set<String>] = [.split: ["gamma", "quantile", "order"]]

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
            let effect = effect(ofKey: key, then: then)
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

    private func effect(ofKey key: String, then: String = "") -> ChangeEffect {
        if Self.free.contains(key) { return .none }
        // What a stage takes over from the top level is compared among the stage's keys.
        if Self.watching.contains(key) { return .safe }
        let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
        switch parts[0] {
        case "stages": return keepsBegunStages(then) ? .safe : .numerics
        case "dataset" where parts.last == "train": return effect(onReaders: .dataset(.train))
        case "dataset" where parts.last == "eval": return effect(onReaders: .dataset(.eval))
        default:
            guard parts.count == 2, let stage = configuration.stage(named: parts[0]) else {
                return begun.isEmpty ? .safe : .numerics
            }
            return effect(ofKey: parts[1], of: stage, then: then)
        }
    }

    private func effect(ofKey key: String, of stage: StageConfiguration, then: String) -> ChangeEffect {
        if Self.free.contains(key) { return .none }
        guard begun.contains(stage.name) else { return .safe }
        if Self.watching.contains(key) {
            return Self.choosing.contains(key) && stage.leavesBestModel ? .numerics : .safe
        }
        if !done.contains(stage.name) {
            if Self.concluding[stage.type]?.contains(key) ?? false { return .safe }
            // Every step so far was finite, or the run would have ended there.
            if key == "on_non_finite", then == NonFinitePolicy.stop.rawValue { return .safe }
        }
        return Self.rounding.contains(key) ? .rounding : .numerics
    }

    /// Data is safe to change while no stage that has begun trains on it or samples from it.
    private func effect(onReaders reference: ArtifactReference) -> ChangeEffect {
        let readers = configuration.stages.filter { stage in
            stage.inputs.contains {
                $0.reference == reference && (!Self.watching.contains($0.key) || stage.leavesBestModel)
            }
        }
        return readers.contains { begun.contains($0.name) } ? .numerics : .safe
    }

    /// Whether every stage that has begun keeps its place, on which its directory and its random streams depend.
    private func keepsBegunStages(_ then: String) -> Bool {
        // As it was written: one name, or a list.
        let node = try? ConfigurationNode(yaml: then) { _ in .none }
        let names = node.flatMap { [String]($0) } ?? []
        return begun.allSatisfy { name in
            names.firstIndex(of: name) == configuration.stages.firstIndex { $0.name == name }
        } && begun.isSubset(of: configuration.stages.map(\.name))
    }
}
