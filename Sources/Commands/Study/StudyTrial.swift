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
            let directory = "\(current.directory)-without-\(arm)"
            let next = current.leavingOut([arm], of: comparison.evaluation) { overrides in
                try make(directory, tuning.overrides(left.map { ($0, value) }) + overrides, "without \(arm)")
            }
            guard let next else { break }
            (current, diverged) = (next, diverged + [arm])
        }
        (self.run, self.diverged) = (current, diverged)
    }
}
