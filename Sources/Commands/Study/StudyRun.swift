import Configuration
import Foundation
import Runs
import Stages

/// One run of a study: all arms on one seed.
package struct StudyRun: Sendable {
    /// How far it has come.
    package enum Progress: Sendable {
        case missing, begun, finished
    }

    /// For the person who watches: `seed 3 (2 of 10)`.
    package let title: String
    package let seed: Int
    package let configuration: RunConfiguration
    /// What makes it this run, over the configuration of the study.
    private let overrides: [String]

    package init(
        title: String, seed: Int, directory: String, of options: StudyOptions, overrides: [String], registry: Registry
    ) throws {
        (self.title, self.seed) = (title, seed)
        self.overrides = ["output_dir=\(ConfigurationWriter.inline(directory.node))", "seed=\(seed)"] + overrides
        configuration = try RunConfiguration(
            contentsOf: options.config, overrides: options.overrides + self.overrides, registry: registry)
    }

    package var directory: String { configuration.outputDir }

    /// What `launch/run` is given beside the study's configuration.
    package func options(_ progress: Progress) -> [String] {
        overrides.flatMap { ["--set", $0] } + (progress == .begun ? ["--resume"] : [])
    }

    /// How far the run has come.
    ///
    /// - Throws: ``StudyError`` where what is there is a run of another configuration.
    package func progress() throws -> Progress {
        let plan = RunPlan(configuration)
        guard let state = try RunState.read(from: plan.directory) else { return .missing }
        let done = Set(state.done.map(PlannedStage.name(ofDirectory:)))
        let begun = done.union(plan.stages.filter(\.hasBegun).map(\.name))
        let changes = ChangeRules(configuration: configuration, begun: begun, done: done)
            .changes(from: state.identity.settings, to: configuration.settings)
        if let change = changes.first(where: { $0.effect > .safe }) {
            throw StudyError(
                directory, "is a run of another configuration: \(change.text)",
                "change it back, choose another output_dir, or delete \(directory) to run it anew")
        }
        return state.isFinished(plan) ? .finished : .begun
    }

    /// The first of some arms that a number which is not finite has ended, where the run has not got past it.
    package func diverged(of arms: [String]) throws -> String? {
        let plan = RunPlan(configuration)
        let done = Set(try RunState.read(from: plan.directory)?.done ?? [])
        return plan.stages.first {
            arms.contains($0.name) && !done.contains($0.directoryName) && NonFiniteNote.isLeft(in: $0)
        }?.name
    }

    /// What the run has read from outside, as its latest start found it.
    package func inputs() throws -> [RunInput] {
        let stages = Set(configuration.stages.map(\.name))
        let state = try RunState.read(from: RunPlan(configuration).directory)
        return (state?.identity.inputs ?? []).filter { !stages.contains($0.key) }
    }

    /// What its `evaluate` stage of this name found, of these policies at least.
    package func evaluation(_ name: String, of policies: [String]) throws -> Evaluation {
        let file = RunPlan(configuration).stage(named: name).directory.appending(path: "evaluation.json")
        let data = try? Data(contentsOf: file)
        guard let evaluation = data.flatMap({ try? JSONDecoder().decode(Evaluation.self, from: $0) }),
            policies.allSatisfy({ policy in evaluation.policies.contains { $0.name == policy } })
        else {
            throw StudyError(
                file.relativePath, data == nil ? "cannot be read" : "is damaged",
                "restore it, or delete \(directory) to run \(title) anew")
        }
        return evaluation
    }
}
