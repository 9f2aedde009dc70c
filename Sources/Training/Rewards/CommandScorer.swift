import Foundation
import JSON
import PreferenceData

/// Rewards by a program of the user's, a ``CommandProgram``.
///
/// It reads a line of JSON a response, `{"prompt": ..., "completion": "..."}` with the prompt as the data gave it, text
/// or a list of messages and the row's other columns behind, and writes a line `{"score": NUMBER}` for each.
package final class CommandScorer: Scorer {
    private let program: CommandProgram<Double>
    private let answered: () throws -> Void

    /// A scorer that starts `command`, a line for `/bin/sh`, when it is first asked or told to.
    ///
    /// - Parameters:
    ///   - timeout: seconds to wait for an answer; loading what the program needs counts to its first.
    ///   - answered: called for each answer that comes; what it throws ends the program and is thrown on.
    package init(_ command: String, timeout: Double = 300, answered: @escaping () throws -> Void = {}) {
        program = CommandProgram(command, answering: .score, timeout: timeout)
        self.answered = answered
    }

    /// Starts the program if it does not run yet, so that it loads what it needs while others do.
    package func start() throws(CommandError) { try program.start() }

    package func scores(_ items: [ScoredItem]) throws -> [Double] {
        var scores: [Double] = []
        scores.reserveCapacity(items.count)
        let question = { (number: Int) in
            var object = JSONObject()
            object["prompt"] = items[number].promptContent.json
            object["completion"] = .string(items[number].completion)
            return object.extended(by: items[number].columns)
        }
        try program.ask(items.count, question: question) { score in
            scores.append(score)
            try answered()
        }
        return scores
    }

    /// The process id of the program, while it runs.
    package var process: pid_t? { program.process }
}

extension CommandAnswer<Double> {
    /// The score of a response.
    package static var score: Self {
        Self(key: "score", form: #"{"score": NUMBER}"#) { value throws(CommandAnswerFault) in
            guard let score = value.double else { throw CommandAnswerFault("whose score is not a number") }
            if let fault = ScoreRange.fault(of: score) { throw CommandAnswerFault("whose score \(fault)") }
            return score
        }
    }
}
