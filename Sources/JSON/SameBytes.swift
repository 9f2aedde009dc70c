extension StringProtocol {
    /// Whether both texts are the same code points.
    ///
    /// Swift's `==` takes `é` for `e` with a combining accent. JSON (RFC 8259), Python and tokenizers do not, and the
    /// two have different token ids.
    package func hasSameBytes(as other: some StringProtocol) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// Whether the text begins with the code points of `prefix`.
    package func hasBytes(_ prefix: some StringProtocol) -> Bool { utf8.starts(with: prefix.utf8) }
}
