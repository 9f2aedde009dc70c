import PreferenceData
import Runs

/// Rewards by a built-in rule over the response, and where it compares with one over a column of its row.
package final class RuleScorer: Scorer {
    private let rule: RewardRule

    /// The rule that `text`, what follows `rule:`, names.
    package init(_ text: String) throws(RuleError) {
        rule = try RewardRule(text)
    }

    /// Throws where `text`, what follows `rule:`, names no rule.
    package static func check(_ text: String) throws(RuleError) {
        _ = try RewardRule(text)
    }

    /// The rules with what they mean, a line each, for help texts.
    package static var usage: String {
        let width = RewardRule.Name.allCases.map(\.form.count).max() ?? 0
        return RewardRule.Name.allCases.map { name in
            let padding = String(repeating: " ", count: width - name.form.count)
            return "rule:\(name.form)\(padding)  \(name.meaning)"
        }.joined(separator: "\n")
    }

    package func scores(_ items: [ScoredItem]) throws -> [Double] {
        switch rule {
        case .count(let word):
            let word = WholeWord(word)
            return items.map { Double(word.count(in: $0.completion)) }
        case .length(let tokens):
            return items.map { -Double(abs($0.response.count - tokens)) / Double(tokens) }
        case .contains(let text):
            return items.map { $0.completion.containsBytes(of: text) ? 1 : 0 }
        case .regex(let pattern):
            return try items.map { try pattern.firstMatch(in: $0.completion) == nil ? 0 : 1 }
        case .answer(let rule):
            return try items.map {
                try rule.accepts($0.completion, columns: $0.columns, source: $0.source) ? 1 : 0
            }
        }
    }
}

/// A word to find where no longer word holds it, whatever its case; letters are compared by their code points.
private struct WholeWord {
    private let scalars: [Unicode.Scalar]

    init(_ word: String) {
        scalars = Array(word.lowercased().unicodeScalars)
    }

    func count(in text: String) -> Int {
        let text = Array(text.lowercased().unicodeScalars)
        var (count, offset) = (0, 0)
        while offset + scalars.count <= text.count {
            let end = offset + scalars.count
            if text[offset..<end].elementsEqual(scalars), !isJoined(text, at: offset), !isJoined(text, at: end) {
                count += 1
                offset = end
            } else {
                offset += 1
            }
        }
        return count
    }

    /// Whether the code points before and after a offset belong to one word.
    private func isJoined(_ text: [Unicode.Scalar], at offset: Int) -> Bool {
        guard offset > 0, offset < text.count else { return false }
        return isMark(text[offset]) || (isPart(text[offset - 1]) && isPart(text[offset]))
    }

    private func isPart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_" || isMark(scalar)
    }

    /// Whether it combines with what stands before it.
    private func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }
}
