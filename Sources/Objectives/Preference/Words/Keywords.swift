/// The phrases that carry a text's content, best first: RAKE (Rose et al. 2010).
///
/// A phrase is a run of words of one line between stop words and punctuation. A word scores its degree (the words of the phrases that it
/// stands in, itself among them) over its frequency, a phrase the sum of its words.
package struct Keywords: Sendable, Equatable {
    /// Each phrase once, in lower case; of equal scores the one that comes first in the text.
    package let phrases: [String]
    /// The score of each.
    package let scores: [Double]
    private let text: [Character]
    private let occurrences: [Occurrence]

    private struct Occurrence: Sendable, Equatable {
        let characters: Range<Int>
        let rank: Int
    }

    /// - Parameter isStopWord: Whether a word, in lower case, ends a phrase.
    package init(of text: String, isStopWord: (String) -> Bool) {
        let characters = Array(text)
        let found = Self.phrases(in: characters, isStopWord)
        var (degrees, counts): ([String: Int], [String: Int]) = ([:], [:])
        for word in found.flatMap({ phrase in phrase.words.map { ($0, phrase.words.count) } }) {
            degrees[word.0, default: 0] += word.1
            counts[word.0, default: 0] += 1
        }
        var known: [String: Int] = [:]
        var distinct: [(text: String, score: Double)] = []
        for phrase in found where known[phrase.text] == nil {
            known[phrase.text] = distinct.count
            let score = phrase.words.reduce(0.0) { $0 + Double(degrees[$1] ?? 0) / Double(counts[$1] ?? 1) }
            distinct.append((phrase.text, score))
        }
        let order = distinct.indices.sorted { (-distinct[$0].score, $0) < (-distinct[$1].score, $1) }
        let ranks = Dictionary(uniqueKeysWithValues: order.enumerated().map { (distinct[$1].text, $0) })
        (phrases, scores) = (order.map { distinct[$0].text }, order.map { distinct[$0].score })
        self.text = characters
        occurrences = found.map { Occurrence(characters: $0.characters, rank: ranks[$0.text] ?? 0) }
    }

    /// The text without the best `count` phrases, wherever they stand.
    ///
    /// A run of white space becomes one space, or the line breaks that it holds, and none is left before punctuation; that at
    /// the text's ends stays, since tokens depend on it.
    package func textWithoutBest(_ count: Int) -> String {
        var kept: [Character] = []
        var end = 0
        for occurrence in occurrences where occurrence.rank < count {
            kept += text[end..<occurrence.characters.lowerBound]
            end = occurrence.characters.upperBound
        }
        kept += text[end...]
        let (front, back) = (text.prefix { $0.isWhitespace }, text.reversed().prefix { $0.isWhitespace }.reversed())
        return String(front) + Self.tidied(kept) + (front.count == text.count ? "" : String(back))
    }

    private static func tidied(_ text: [Character]) -> String {
        var tidy = ""
        var space: [Character] = []
        for character in text {
            if character.isWhitespace {
                space.append(character)
                continue
            }
            let breaks = space.filter(\.isNewline)
            if !tidy.isEmpty, !space.isEmpty, !(breaks.isEmpty && ",.;:!?".contains(character)) {
                tidy.append(breaks.isEmpty ? " " : String(breaks))
            }
            tidy.append(character)
            space = []
        }
        return tidy
    }

    // MARK: Phrases

    private struct Phrase {
        var words: [String]
        var characters: Range<Int>
        var text: String { words.joined(separator: " ") }
    }

    private static func phrases(in text: [Character], _ isStopWord: (String) -> Bool) -> [Phrase] {
        var phrases: [Phrase] = []
        var isOpen = false
        var place = 0
        while place < text.count {
            guard let end = endOfWord(at: place, in: text) else {
                if !text[place].isWhitespace || text[place].isNewline { isOpen = false }
                place += 1
                continue
            }
            let word = String(text[place..<end]).lowercased()
            if isStopWord(word) {
                isOpen = false
            } else if isOpen {
                phrases[phrases.count - 1].words.append(word)
                phrases[phrases.count - 1].characters = phrases[phrases.count - 1].characters.lowerBound..<end
            } else {
                phrases.append(Phrase(words: [word], characters: place..<end))
                isOpen = true
            }
            place = end
        }
        return phrases
    }

    /// Where the word that begins at `place` ends: letters and digits, with apostrophes and hyphens between them, and points
    /// and commas between digits; `nil` where none begins.
    private static func endOfWord(at place: Int, in text: [Character]) -> Int? {
        guard isOfWord(text[place]) else { return nil }
        var end = place + 1
        while end < text.count {
            if isOfWord(text[end]) {
                end += 1
            } else if end + 1 < text.count, joins(text[end], text[end - 1], text[end + 1]) {
                end += 2
            } else {
                break
            }
        }
        return end
    }

    private static func isOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private static func joins(_ character: Character, _ left: Character, _ right: Character) -> Bool {
        if "'’-".contains(character) { return isOfWord(left) && isOfWord(right) }
        return ".,".contains(character) && left.isNumber && right.isNumber
    }
}
