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

    init(id: Int32, content: String, isSpecial: Bool) {
        self.id = id
        self.content = content
        self.isSpecial = isSpecial
        isNormalized = !isSpecial
    }

    /// - Parameter node: an element of `added_tokens`, or a value of `added_tokens_decoder` whose key is `id`.
    init(_ node: JSONNode, id: Int? = nil) throws {
        self.init(
            id: Int32(try id ?? node.required("id").integer(in: 0...Vocabulary.maximumID)),
            content: try node.required("content").string(), isSpecial: try node.bool("special", default: false))
        isNormalized = try node.bool("normalized", default: !isSpecial)
        isSingleWord = try node.bool("single_word", default: false)
        stripsLeft = try node.bool("lstrip", default: false)
        stripsRight = try node.bool("rstrip", default: false)
    }
}
