import Foundation
import JSON
import Runs
import Stages

/// What one run says of each arm.
package struct SeedOutcome: Sendable {
    /// One arm's numbers.
    package struct Arm: Sendable {
        /// The judge's mean score.
        package var score: Double
        /// Mean tokens of a response.
        package var length: Double
        /// The share of responses that ended by themselves.
        package var finished: Double
        /// The share of wins over other policies of the evaluation, ties counted half.
        package var winRates: [String: Double]
        /// The stage's own metrics and cost.
        package var training: StageMetrics

        package init(
            score: Double, length: Double = 0, finished: Double = 1, winRates: [String: Double] = [:],
            training: StageMetrics = StageMetrics()
        ) {
            (self.score, self.length, self.finished) = (score, length, finished)
            (self.winRates, self.training) = (winRates, training)
        }
    }

    package let seed: Int
    /// By name; the baseline is among them.
    package let arms: [String: Arm]

    package init(seed: Int, arms: [String: Arm]) { (self.seed, self.arms) = (seed, arms) }

    /// Reads a finished run.
    ///
    /// - Throws: ``StudyError`` for a file that is missing or damaged.
    package init(_ run: StudyRun, _ comparison: StudyComparison) throws {
        seed = run.seed
        let evaluation = try run.evaluation(comparison.evaluation, of: comparison.rows)
        let plan = RunPlan(run.configuration)
        let directories = plan.stages.reduce(into: [:]) { $0[$1.name] = $1.directoryName }
        let training = try StageMetrics.read(
            from: plan.directory.url.appending(path: "metrics.jsonl"),
            of: comparison.rows.compactMap { directories[$0] })
        var arms: [String: Arm] = [:]
        for policy in evaluation.policies where comparison.rows.contains(policy.name) {
            arms[policy.name] = Arm(
                score: policy.meanScore, length: policy.meanLength, finished: policy.finished,
                winRates: evaluation.winRates(of: policy.name),
                training: directories[policy.name].flatMap { training[$0] } ?? StageMetrics())
        }
        self.arms = arms
    }
}

extension Evaluation {
    /// The win rates of a policy over the others, which are noted once a pair.
    fileprivate func winRates(of policy: String) -> [String: Double] {
        matches.reduce(into: [:]) { rates, match in
            if match.policy == policy { rates[match.against] = match.winRate }
            if match.against == policy { rates[match.policy] = 1 - match.winRate }
        }
    }
}
