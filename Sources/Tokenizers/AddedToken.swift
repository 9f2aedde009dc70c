/// A token that is found in text before the model sees it.
struct AddedToken: Sendable, Equatable {
    var id: Int32
    var content: String
    /// Left out of decoded text where special tokens are skipped.
    var isSpecial: Bool
    /// Searched for in normalised text.
    var isNormalized: Bool
    /// Matches only where no word character is beside it.
    var isSingleWord = false
    /// Takes the white space before it.
    var stripsLeft = false
    /// Takes the white space after it.
    var stripsRight = false

    /// - Parameter id: zero until the token has its place in an ``AddedTokens``.
    init(id: Int32 = 0, content: String, isSpecial: Bool) {
        self.id = id
        self.content = content
        self.isSpecial = isSpecial
        isNormalized = !isSpecial
    }

    /// - Parameter node: an element of `added_tokens`, a value of `added_tokens_decoder`, or a special token with its flags.
    init(_ node: LocatedJSON, isSpecial: Bool? = nil) throws {
        let special = try isSpecial ?? node.bool("special", default: false)
        self.init(content: try node.required("content").string(), isSpecial: special)
        isNormalized = try node.bool("normalized", default: !special)
        isSingleWord = try node.bool("single_word", default: false)
        stripsLeft = try node.bool("lstrip", default: false)
        stripsRight = try node.bool("rstrip", default: false)
    }
}
