/// Rewards by a built-in rule over the response alone.
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
            return items.map { $0.completion.contains(text) ? 1 : 0 }
        case .regex(let pattern):
            return try items.map { try pattern.firstMatch(in: $0.completion) == nil ? 0 : 1 }
        }
    }
}

/// A word to find where no longer word holds it, whatever its case.
private struct WholeWord {
    private let characters: [Character]

    init(_ word: String) {
        characters = Array(word.lowercased())
    }

    func count(in text: String) -> Int {
        let text = Array(text.lowercased())
        var (count, place) = (0, 0)
        while place + characters.count <= text.count {
            let end = place + characters.count
            if text[place..<end].elementsEqual(characters), !isJoined(text, at: place), !isJoined(text, at: end) {
                count += 1
                place = end
            } else {
                place += 1
            }
        }
        return count
    }

    /// Whether the characters before and after a place belong to one word.
    private func isJoined(_ text: [Character], at place: Int) -> Bool {
        place > 0 && place < text.count && isPart(text[place - 1]) && isPart(text[place])
    }

    private func isPart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }
}
