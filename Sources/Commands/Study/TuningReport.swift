import Stages

/// Which value of a key did best for each arm, on seeds of its own.
package struct TuningReport: Sendable, Equatable, Codable {
    /// One arm's trials.
    package struct Arm: Sendable, Equatable, Codable {
        package var name: String
        /// The judge's mean scores, a list a value with a number a seed; `nil` where the arm diverged on one.
        package var scores: [[Double]?]
        /// Their means over seeds, by value.
        package var means: [Double?]
        /// The value with the best mean, the first of equals.
        package var chosen: String
    }

    package var key: String
    package var values: [String]
    package var seeds: [Int]
    package var arms: [Arm]

    /// - Parameter evaluations: By value and seed; each has numbers of the arms that did not diverge, and is `nil` where all
    ///   did.
    /// - Throws: ``StudyError`` where an arm diverged with every value.
    package init(_ tuning: StudyTuning, _ evaluations: [[Evaluation?]]) throws(StudyError) {
        (key, values, seeds) = (tuning.key, tuning.values, tuning.seeds)
        arms = []
        for arm in tuning.arms {
            let scores = evaluations.map { runs in
                let scores = runs.compactMap { run in run?.policies.first { $0.name == arm }?.meanScore }
                return scores.count == runs.count ? scores : nil
            }
            guard let found = Arm(name: arm, scores: scores, of: tuning.values) else {
                throw StudyError(
                    "--tune", "\(arm) diverged with every \(tuning.key) (\(tuning.values.joined(separator: ", ")))",
                    "try other values, or leave \(arm) out of --arms")
            }
            arms.append(found)
        }
    }

    /// What each arm goes on with.
    package var choices: [(arm: String, value: String)] { arms.map { ($0.name, $0.chosen) } }

    /// A line for the person who watches, which says where a better value may lie beyond those that were tried, and with
    /// which an arm diverged or came out the same.
    package var text: String {
        let chosen = choices.map { "\($0.arm) \($0.value)" }.joined(separator: ", ")
        let ends = atEnds.isEmpty ? "" : "; at an end of what was tried: \(atEnds.joined(separator: ", "))"
        let tried = "\(key) of \(values.joined(separator: ", ")) by the best mean score on seeds \(seeds.asSeeds)"
        return "\(tried): \(chosen)\(ends)\(lost)\(same)"
    }

    private var lost: String {
        let lost = arms.compactMap { arm in
            let values = zip(values, arm.means).filter { $0.1 == nil }.map(\.0)
            return values.isEmpty ? nil : "\(arm.name) with \(values.joined(separator: ", "))"
        }
        return lost.isEmpty ? "" : "; diverged: \(lost.joined(separator: "; "))"
    }

    /// Scores that are alike on every seed mean that the arm's loss does not read the key.
    private var same: String {
        let same = arms.filter { arm in arm.scores.allSatisfy { $0 != nil && $0 == arm.scores[0] } }.map(\.name)
        return same.isEmpty ? "" : "; makes no difference to \(same.joined(separator: ", "))"
    }

    /// The arms whose value is the least or the largest, where values are numbers.
    private var atEnds: [String] {
        let numbers = values.compactMap { Double($0) }
        guard numbers.count == values.count, numbers.count > 2 else { return [] }
        return choices.filter { [numbers.min(), numbers.max()].contains(Double($0.value)) }.map(\.arm)
    }
}

extension TuningReport.Arm {
    /// - Returns: `nil` where no value has scores.
    package init?(name: String, scores: [[Double]?], of values: [String]) {
        let means = scores.map { scores in scores.map { $0.reduce(0, +) / Double($0.count) } }
        let best = means.indices.reduce(nil as Int?) { best, index in
            guard let mean = means[index] else { return best }
            return best.flatMap { means[$0] }.map { mean > $0 } ?? true ? index : best
        }
        guard let best else { return nil }
        self.init(name: name, scores: scores, means: means, chosen: values[best])
    }
}
