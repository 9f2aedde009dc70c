import Stages

/// Which value of a key did best for each arm, on seeds of its own.
package struct TuningReport: Sendable, Equatable, Codable {
    /// One arm's trials.
    package struct Arm: Sendable, Equatable, Codable {
        package var name: String
        /// The judge's mean scores, a list a value with a number a seed.
        package var scores: [[Double]]
        /// Their means over seeds, by value.
        package var means: [Double]
        /// The value with the best mean, the first of equals.
        package var chosen: String
    }

    package var key: String
    package var values: [String]
    package var seeds: [Int]
    package var arms: [Arm]

    /// - Parameter evaluations: By value and seed; each has numbers of every arm.
    package init(_ tuning: StudyTuning, _ evaluations: [[Evaluation]]) {
        (key, values, seeds) = (tuning.key, tuning.values, tuning.seeds)
        arms = tuning.arms.map { arm in
            let scores = evaluations.map { runs in
                runs.compactMap { run in run.policies.first { $0.name == arm }?.meanScore }
            }
            return Arm(name: arm, scores: scores, of: tuning.values)
        }
    }

    /// What each arm goes on with.
    package var choices: [(arm: String, value: String)] { arms.map { ($0.name, $0.chosen) } }

    /// A line for the person who watches, which says where a better value may lie beyond those that were tried.
    package var text: String {
        let chosen = choices.map { "\($0.arm) \($0.value)" }.joined(separator: ", ")
        let ends = atEnds.isEmpty ? "" : "; at an end of what was tried: \(atEnds.joined(separator: ", "))"
        let tried = "\(key) of \(values.joined(separator: ", ")) by the best mean score on seeds \(seeds.asSeeds)"
        return "\(tried): \(chosen)\(ends)"
    }

    /// The arms whose value is the least or the largest, where values are numbers.
    private var atEnds: [String] {
        let numbers = values.compactMap { Double($0) }
        guard numbers.count == values.count, numbers.count > 2 else { return [] }
        return choices.filter { [numbers.min(), numbers.max()].contains(Double($0.value)) }.map(\.arm)
    }
}

extension TuningReport.Arm {
    package init(name: String, scores: [[Double]], of values: [String]) {
        let means = scores.map { $0.reduce(0, +) / Double($0.count) }
        let best = means.indices.reduce(0) { means[$1] > means[$0] ? $1 : $0 }
        self.init(name: name, scores: scores, means: means, chosen: values[best])
    }
}
