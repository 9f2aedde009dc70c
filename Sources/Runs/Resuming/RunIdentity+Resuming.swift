import Configuration
import Foundation

extension RunIdentity {
    /// Checks that a run goes on as what `state` says it began as, but for what `options` allow.
    ///
    /// - Returns: What was let pass, a line each.
    /// - Throws: ``StartError`` naming the differences.
    package func check(against state: RunState, _ plan: RunPlan, _ options: StartOptions) throws -> [String] {
        let done = Set(state.done.map(PlannedStage.name(ofDirectory:)))
        // A stage that has another place now has begun where it was.
        let then = Self.stageNames(state.identity.settings["stages"] ?? "").enumerated().filter { index, name in
            PlannedStage.hasBegun(plan.directory.stages.appending(path: PlannedStage.directoryName(index, name)))
        }
        let begun = done.union(plan.stages.filter(\.hasBegun).map(\.name)).union(then.map(\.element))
        let rules = ChangeRules(configuration: plan.configuration, begun: begun, done: done)
        let ahead = plan.stages.filter { !state.isDone($0) }
        do {
            return try check(against: state.identity, rules, ahead: ahead.map(\.name), options)
        } catch StartError.changed(let directory, let changes, _) {
            let stage = ahead.first { stage in changes.allSatisfy { $0.hasPrefix("\(stage.name).") } }
            throw StartError.changed(directory: directory, changes: changes, stage: stage?.directory.path)
        }
    }

    /// The names of a list of stages as it was written: one name, or a list.
    static func stageNames(_ text: String) -> [String] {
        let node = try? ConfigurationNode(yaml: text) { _ in .none }
        return node.flatMap { [String]($0) } ?? []
    }

    /// - Parameters:
    ///   - earlier: What the start before noted.
    ///   - ahead: The stages that are not done.
    private func check(
        against earlier: RunIdentity, _ rules: ChangeRules, ahead: [String], _ options: StartOptions
    ) throws -> [String] {
        let moved = inputs.filter { input in
            earlier.inputs.contains { $0.key == input.key && input.difference(from: $0) == nil }
        }
        let changes =
            rules.changes(from: earlier.settings, to: settings, moved: Set(moved.map(\.key)))
            + rules.changes(from: earlier.inputs, to: inputs)
        func texts(_ effect: ChangeEffect) -> [String] { changes.filter { $0.effect == effect }.map(\.text) }

        let directory = rules.configuration.outputDir
        let fatal = texts(.numerics)
        guard fatal.isEmpty else { throw StartError.changed(directory: directory, changes: fatal) }
        let safe = texts(.safe)
        guard safe.isEmpty || options.allowsConfigChange else {
            throw StartError.needsConfigChange(directory: directory, changes: safe)
        }
        let inexact = texts(.rounding) + topology.differences(from: earlier.topology, ahead: ahead)
        guard inexact.isEmpty || options.allowsInexact else {
            throw StartError.needsInexact(directory: directory, changes: inexact)
        }
        var notes = safe.map { "goes on with \($0)" }
        notes += inexact.map { "warning: goes on with other rounding: \($0)" }
        if inexact.isEmpty, !ahead.isEmpty, topology.ranks != earlier.topology.ranks {
            notes.append("\(earlier.topology.ranks) ranks then, \(topology.ranks) now, to the same bytes")
        }
        return notes
    }
}
