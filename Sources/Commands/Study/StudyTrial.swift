import Configuration
import Runs
import Stages

/// A value on a seed that tunes: the run that tries it, less the arms that a number which is not finite has ended in it.
///
/// An arm that diverges ends its run; the others are tried once more without it, in a directory of its own
/// (`seed-90-without-ipo`).
package struct StudyTrial: Sendable {
    /// What is to be run; `nil` where no arm is left.
    package let run: StudyRun?
    /// The arms that diverged, in the order in which they did.
    package let diverged: [String]

    /// - Parameters:
    ///   - overrides: Those of a run that tries the value with these arms.
    ///   - make: A run in a directory, with more overrides and behind its title what is said of it.
    init(
        of run: StudyRun, _ comparison: StudyComparison, tuning: StudyTuning, value: String,
        make: (_ directory: String, _ overrides: [String], _ addition: String) throws -> StudyRun
    ) throws {
        var (current, diverged) = (run, [String]())
        while case .begun = try current.progress(), let arm = try current.diverged(of: tuning.arms) {
            let left = tuning.arms.filter { $0 != arm && !diverged.contains($0) }
            guard !left.isEmpty else {
                (self.run, self.diverged) = (nil, diverged + [arm])
                return
            }
            guard
                let next = Self.leavingOut(
                    arm, of: current, comparison,
                    make: { directory, overrides, addition in
                        try make(directory, tuning.overrides(left.map { ($0, value) }) + overrides, addition)
                    })
            else { break }
            (current, diverged) = (next, diverged + [arm])
        }
        (self.run, self.diverged) = (current, diverged)
    }

    /// The same run without an arm; `nil` where the configuration does not hold without it, or would mean something else
    /// for what is left.
    private static func leavingOut(
        _ arm: String, of run: StudyRun, _ comparison: StudyComparison,
        make: (_ directory: String, _ overrides: [String], _ addition: String) throws -> StudyRun
    ) -> StudyRun? {
        let evaluation = comparison.evaluation
        let stages = run.configuration.stages.map(\.name).filter { $0 != arm }
        let policies =
            run.configuration.stage(named: evaluation)?.inputs.filter { $0.key == "policies" }
            .map(\.reference.description).filter { $0 != arm } ?? []
        func list(_ names: [String]) -> String {
            "[\(names.map { ConfigurationWriter.inline($0.node) }.joined(separator: ", "))]"
        }
        let next = try? make(
            "\(run.directory)-without-\(arm)",
            ["stages=\(list(stages))", "\(evaluation).policies=\(list(policies))"], "without \(arm)")
        guard let next else { return nil }
        let apart: Set = ["output_dir", "stages", "\(evaluation).policies"]
        func rest(_ run: StudyRun) -> [String: String] {
            run.configuration.settings.filter { !apart.contains($0.key) && !$0.key.hasPrefix("\(arm).") }
        }
        return rest(next) == rest(run) ? next : nil
    }
}
