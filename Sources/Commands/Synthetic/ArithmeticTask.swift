import Foundation
import JSON
import PreferenceData
import Runs
import Training

/// A task with right and wrong answers: sums of two numbers below 50.
///
///     Q: 27 + 8
///     A: 35
///
/// Each row has the sum in a column `answer`, which `rule:number:answer` compares responses with. A few solved problems are enough to
/// get some of the others right.
package struct ArithmeticTask: Sendable {
    /// How much of each kind is written.
    package struct Sizes: Hashable, Sendable {
        /// Problems with their solutions.
        package var demonstrations = 300
        /// Problems to find solutions to; those of the demonstrations are among them.
        package var prompts = 1600
        /// Held-out problems.
        package var evaluationPrompts = 200

        /// The sizes of the recipes.
        package init() {}
    }

    /// The sum of two numbers.
    package struct Problem: Hashable, Sendable {
        package let first: Int
        package let second: Int

        package var prompt: String { "Q: \(first) + \(second)\nA:" }
        package var answer: Int { first + second }
    }

    /// Problems whose solutions are shown.
    package let demonstrations: [Problem]
    /// Problems to train on.
    package let prompts: [Problem]
    /// Held-out problems; none is among those that are trained on.
    package let evaluationPrompts: [Problem]

    /// Numbers are below this.
    private static let bound = 50

    /// The task of `seed`; no problem comes twice in it.
    package init(seed: UInt64, sizes: Sizes = Sizes()) {
        precondition(sizes.prompts + sizes.evaluationPrompts <= Self.bound * Self.bound, "\(sizes)")
        precondition(sizes.demonstrations <= sizes.prompts, "\(sizes)")
        var generator = SyntheticGenerator(seed: seed, stream: 0)
        let all = (0..<Self.bound).flatMap { first in
            (0..<Self.bound).map { Problem(first: first, second: $0) }
        }
        let drawn = generator.sample(sizes.prompts + sizes.evaluationPrompts, of: all)
        prompts = Array(drawn.prefix(sizes.prompts))
        demonstrations = Array(prompts.prefix(sizes.demonstrations))
        evaluationPrompts = Array(drawn.dropFirst(sizes.prompts))
    }

    /// Writes the task into `directory`, which is made where it does not exist: `sft.jsonl` (prompt, completion, answer),
    /// `prompts.jsonl` and `prompts-eval.jsonl` (prompt, answer), and `model/` as ``SyntheticModel`` has it.
    ///
    /// - Throws: ``SyntheticTaskError`` or `DataError`.
    package func write(to directory: URL) throws {
        try SyntheticModel().write(to: directory.appending(path: "model"))
        for (name, problems, isSolved) in [
            ("sft", demonstrations, true), ("prompts", prompts, false), ("prompts-eval", evaluationPrompts, false),
        ] {
            let writer = try JSONLWriter(directory.appending(path: "\(name).jsonl"))
            for problem in problems { try writer.write(problem.row(isSolved: isSolved)) }
            try writer.finish()
        }
    }
}

extension ArithmeticTask.Problem {
    fileprivate func row(isSolved: Bool) -> JSONObject {
        var row = JSONObject()
        row["prompt"] = .string(prompt)
        if isSolved { row["completion"] = .string(" \(answer)") }
        row["answer"] = .number(answer)
        return row
    }
}
