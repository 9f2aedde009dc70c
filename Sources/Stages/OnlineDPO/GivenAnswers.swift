import PreferenceData

/// What the data of an online stage has itself for the prompts that are answered.
package struct GivenAnswers: Sendable {
    /// Pairs by the place of their prompt among the stage's, where they are learned from.
    package var pairs: [Int: TokenizedPair] = [:]
    /// Answers by the index of their prompt, where they stand before drawn responses.
    package var demonstrations: [Int: [Int32]] = [:]

    package init() {}

    /// Pairs for prompts of the same data, which may have been read by themselves.
    package init(_ pairs: [TokenizedPair], for prompts: [TokenizedPrompt]) {
        let places = Dictionary(uniqueKeysWithValues: prompts.enumerated().map { ($1.index, $0) })
        let found = pairs.compactMap { pair in places[pair.index].map { ($0, pair) } }
        self.pairs = Dictionary(uniqueKeysWithValues: found)
    }
}
