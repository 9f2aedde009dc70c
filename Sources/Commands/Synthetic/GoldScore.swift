import Runs
import Training

/// What an answer is worth in truth: a sum of parts, each a closed form of prompt and answer.
///
/// Human labels of the synthetic task are drawn from differences of this score; no stage of training sees the score
/// itself, so it can judge what training made of the labels.
package struct GoldScore: Equatable, Sendable {
    /// 4 times the share of the ordered items that are served.
    package let served: Double

    /// -1 for each item served that was not ordered, or that was served before.
    package let extras: Double

    /// 0.5 where something is served and no drink comes after a dish.
    package let drinksFirst: Double

    /// 0.5 where the answer's first word is a greeting.
    package let greeting: Double

    /// 0.5 where the answer closes with `. enjoy!`.
    package let closing: Double

    /// 0.5 where the answer ends as a sentence does, in `.` or `!`.
    package let ending: Double

    /// -0.5 for each rude word.
    package let rudeness: Double

    /// -0.25 for each filler.
    package let fillers: Double

    /// The sum of the parts; at most 6.
    package var total: Double {
        served + extras + drinksFirst + greeting + closing + ending + rudeness + fillers
    }

    /// The score of `completion`, the text that follows the order's prompt, without special tokens.
    package init(order: GuestOrder, completion: String) {
        let words = Self.words(of: completion)
        let items = words.filter(Menu.items.contains)
        let right = Set(items).intersection(order.items).count
        served = order.items.isEmpty ? 0 : 4 * Double(right) / Double(order.items.count)
        extras = -Double(items.count - right)
        drinksFirst = items.isEmpty || items != Menu.drinksFirst(items) ? 0 : 0.5
        greeting = words.first.map(Menu.greetings.contains) == true ? 0.5 : 0
        closing = completion.hasSuffix(". \(Menu.closing)!") ? 0.5 : 0
        ending = completion.hasSuffix(".") || completion.hasSuffix("!") ? 0.5 : 0
        rudeness = -0.5 * Double(words.count(where: Menu.rudeWords.contains))
        fillers = -0.25 * Double(words.count(where: Menu.fillers.contains))
    }

    /// Runs of ASCII letters; a punctuation mark at the very start counts as a first word that greets nobody.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = ""
        for scalar in text.unicodeScalars {
            if scalar.isASCII, scalar.properties.isAlphabetic {
                word.unicodeScalars.append(scalar)
                continue
            }
            if !word.isEmpty { words.append(word) }
            word = ""
            if !scalar.properties.isWhitespace { words.append(String(scalar)) }
        }
        return word.isEmpty ? words : words + [word]
    }
}
