/// Marks tokens of a pair's responses, under a name.
package struct TokenMask: Sendable, Equatable {
    /// What it marks; masks of one name are the same.
    package let name: String
    /// A number for each token of the chosen and of the rejected response.
    package let marks: @Sendable (Responses) -> (chosen: [Float], rejected: [Float])

    /// Both responses of a pair.
    package struct Responses {
        package let chosen: [Int32]
        package let rejected: [Int32]
        /// The text of a token, as it is written.
        package let text: (Int32) -> String

        package init(chosen: [Int32], rejected: [Int32], text: @escaping (Int32) -> String) {
            (self.chosen, self.rejected, self.text) = (chosen, rejected, text)
        }
    }

    package init(_ name: String, marks: @escaping @Sendable (Responses) -> (chosen: [Float], rejected: [Float])) {
        (self.name, self.marks) = (name, marks)
    }

    package static func == (left: TokenMask, right: TokenMask) -> Bool { left.name == right.name }
}
