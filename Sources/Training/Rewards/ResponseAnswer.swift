import PreferenceData
import Runs

/// What of a response is its answer, where it is asked whether responses agree: what the reward's rule compares with a column, else
/// the text in lower case with single spaces between its words.
package struct ResponseAnswer: Sendable {
    private let rule: AnswerRule?

    /// The answer that `reward` looks at.
    package init(to reward: ArtifactReference) {
        if case .rule(let text) = reward { rule = RewardRule.answer(ofRule: text) } else { rule = nil }
    }

    /// Whether a rule says what the answer is.
    package var isExtracted: Bool { rule != nil }

    /// The answer of a response, in bytes that are the same where the answers are.
    package func callAsFunction(_ response: String) -> [UInt8] {
        // What a rule found is never the same as a whole text.
        if let answer = rule?.answer(in: response) { return [1] + Array(answer.utf8) }
        return [0] + Array(Self.normalized(response).utf8)
    }

    private static func normalized(_ text: String) -> String {
        text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
