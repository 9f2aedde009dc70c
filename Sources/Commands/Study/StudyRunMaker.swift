import Configuration
import Foundation
import Runs

/// Makes the runs of a study, without the stages that its arms leave out.
struct StudyRunMaker {
    private let options: StudyOptions
    private let registry: Registry
    private let comparison: StudyComparison

    init(_ options: StudyOptions, _ registry: Registry, _ comparison: StudyComparison) {
        (self.options, self.registry, self.comparison) = (options, registry, comparison)
    }

    /// A run; one of all stages where the directory has begun such a run, or where they cannot be left out.
    func callAsFunction(_ title: String, seed: Int, directory: String, overrides: [String]) throws -> StudyRun {
        func run(_ more: [String]) throws -> StudyRun {
            try StudyRun(
                title: title, seed: seed, directory: directory, of: options, overrides: overrides + more,
                registry: registry)
        }
        let whole = try run([])
        guard !comparison.leftOut.isEmpty, !whole.isOfSameStages else { return whole }
        return whole.leavingOut(comparison.leftOut, of: comparison.evaluation, make: run) ?? whole
    }
}

extension StudyRun {
    /// The same run without some stages and their part in an evaluation; `nil` where the configuration does not hold without
    /// them, or would mean something else for what is left.
    ///
    /// - Parameter make: The run with more overrides.
    func leavingOut(
        _ names: [String], of evaluation: String, make: (_ overrides: [String]) throws -> StudyRun
    ) -> StudyRun? {
        let stages = configuration.stages.map(\.name).filter { !names.contains($0) }
        let policies =
            configuration.stage(named: evaluation)?.inputs.filter { $0.key == "policies" }
            .map(\.reference.description).filter { !names.contains($0) } ?? []
        func list(_ names: [String]) -> String {
            "[\(names.map { ConfigurationWriter.inline($0.node) }.joined(separator: ", "))]"
        }
        let next = try? make(["stages=\(list(stages))", "\(evaluation).policies=\(list(policies))"])
        guard let next else { return nil }
        let apart: Set = ["output_dir", "stages", "\(evaluation).policies"]
        func rest(_ run: StudyRun) -> [String: String] {
            run.configuration.settings.filter { setting in
                !apart.contains(setting.key) && !names.contains { setting.key.hasPrefix("\($0).") }
            }
        }
        return rest(next) == rest(self) ? next : nil
    }

    /// Whether what is in the directory is of the stages that this run has.
    fileprivate var isOfSameStages: Bool {
        let state = try? RunState.read(from: RunPlan(configuration).directory)
        return state.map { $0.identity.settings["stages"] == configuration.settings["stages"] } ?? false
    }
}
