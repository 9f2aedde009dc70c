/// English words that say little by themselves: articles, pronouns, prepositions, conjunctions and auxiliary verbs.
enum StopWords {
    /// Whether a word is one of them, whatever its case and the white space around it.
    static func contains(_ word: some StringProtocol) -> Bool {
        // Byte-level tokens write a space as Ġ, those of SentencePiece as ▁.
        let bare = word.drop { $0.isWhitespace || $0 == "Ġ" || $0 == "▁" }.lowercased()
        return words.contains(String(bare.reversed().drop { $0.isWhitespace }.reversed()))
    }

    /// Whether a word of a text, in lower case, is one of them, or a contraction of them: "don't", "it’s".
    static func contains(contraction word: String) -> Bool {
        let word = word.replacing("’", with: "'")
        guard let apostrophe = word.lastIndex(of: "'") else { return words.contains(word) }
        let (stem, end) = (word[..<apostrophe], word[apostrophe...].dropFirst())
        // No other words are negated so.
        if end == "t", stem.last == "n" { return true }
        return ["s", "re", "ll", "ve", "d", "m"].contains(end) && words.contains(String(stem))
    }

    static let words: Set<String> = Set(
        """
        a an the this that these those
        i me my mine myself we us our ours ourselves you your yours yourself yourselves
        he him his himself she her hers herself it its itself they them their theirs themselves
        who whom whose which what where when why how
        about above across after against along among around as at before behind below beneath beside between beyond by
        down during for from in inside into near of off on onto out outside over past since through throughout to toward
        towards under until up upon via with within without
        and but or nor so yet if because although though unless while whereas whether than then
        am is are was were be been being do does did doing done have has had having
        can could may might must shall should will would
        not no any all both each every either neither few more most much many other another some such own same
        again also else ever just only quite rather too very there here now once
        """.split { $0.isWhitespace }.map(String.init))
}
