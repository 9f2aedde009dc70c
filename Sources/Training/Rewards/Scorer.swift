import JSON
import MPI
import PreferenceData
import Runs

/// A source of reward: a model, a built-in rule, a program of the user's, or a model behind a server.
package protocol Scorer: AnyObject {
    /// One number an item, in the order of `items`, that ``ScoreRange`` finds no fault with; higher is better.
    func scores(_ items: [ScoredItem]) throws -> [Double]
}

extension ArtifactReference {
    /// Whether a reward from here is shown rows as the data gave them: programs read prompts and columns, judges behind a server
    /// prompts, and some rules a column; models read ids, and the other rules responses.
    package var readsRecords: Bool {
        switch self {
        case .command, .column, .openai: true
        case .rule(let rule): RewardRule.answer(ofRule: rule) != nil
        default: false
        }
    }
}

/// A response to score, in every form that a ``Scorer`` may ask for.
package struct ScoredItem: Sendable {
    /// The prompt's token ids.
    package var prompt: [Int32]
    /// The response's token ids, its end-of-sequence token included where there is one.
    package var response: [Int32]
    /// The prompt as the data gave it: text or messages. Empty where the source of reward does not read it.
    package var promptContent: Content
    /// The other columns of the prompt's row, under the same condition.
    package var columns = JSONObject()
    /// Where the row was read.
    package var source: RecordSource?
    /// The response as text, without special tokens.
    package var completion: String

    /// A response to `promptContent`.
    package init(prompt: [Int32], response: [Int32], promptContent: Content, completion: String) {
        (self.prompt, self.response) = (prompt, response)
        (self.promptContent, self.completion) = (promptContent, completion)
    }

    /// A response to the prompt of a row; `nil` where the source of reward reads none.
    package init(prompt: [Int32], response: [Int32], row: (any RowRecord)?, completion: String) {
        self.init(prompt: prompt, response: response, promptContent: row?.prompt ?? .text(""), completion: completion)
        (columns, source) = (row?.fields.otherColumns ?? JSONObject(), row?.source)
    }
}

/// What a score may be, wherever it comes from: finite, and small enough for what is computed with it.
package enum ScoreRange {
    /// PPO squares returns in float32, which ends at 3.4e38, and sums the squares of gradients that grow with them.
    package static let largest = 1e12

    /// What is wrong with a score, in words that follow "the score"; `nil` for nothing.
    package static func fault(of score: Double) -> String? {
        guard score.isFinite else { return "is not finite" }
        return abs(score) > largest ? "is too large to compute with (beyond 1e12)" : nil
    }
}

/// A number that a model gave and that nothing can be computed with.
package struct ModelOutputError: Error, Sendable, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The model and what it gave a number for: `reward ./rm: the score of pair 3`.
    package let subject: String
    /// The number.
    package let value: Double
    /// What is wrong with it, such as "is not finite".
    package let fault: String

    package init(_ subject: String, _ value: Double, fault: String = "is not finite") {
        (self.subject, self.value, self.fault) = (subject, value, fault)
    }

    /// One line: what is wrong, and what to look at.
    package var description: String {
        "\(subject), \(value), \(fault); check that model: its weights may be damaged, or come from a training that diverged"
    }

    /// 1: it shows on the way.
    package var exitStatus: Int32 { 1 }
}
