/// Words of other programs for what has a key here, and for what is reached in another way.
package struct ForeignKeys: Sendable {
    /// Another program's word and the key that means the same.
    package let synonyms: [String: String]
    /// What to do instead of a key that has no counterpart.
    package let advice: [String: String]
    /// What is wrong with a key whose counterpart depends on the keys around it, and the way out; `nil` for all others. It is
    /// given the key with its block, and the keys that the block knows.
    package let explanation: @Sendable (UnknownKey, _ known: [String]) -> (problem: String, remedy: String)?

    package init(
        synonyms: [String: String], advice: [String: String],
        explanation: @escaping @Sendable (UnknownKey, _ known: [String]) -> (problem: String, remedy: String)?
    ) {
        (self.synonyms, self.advice, self.explanation) = (synonyms, advice, explanation)
    }

    /// No words.
    package static let none = ForeignKeys(synonyms: [:], advice: [:]) { _, _ in nil }
}
