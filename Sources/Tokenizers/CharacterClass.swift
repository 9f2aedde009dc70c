/// What most pre-tokenizer patterns ask of a character: `\p{L}`, `\p{N}`, `\s` or none of them.
package enum CharacterClass: UInt8, Sendable {
    case other, letter, number, space

    /// The class of every scalar.
    package static let table = ScalarTable { of($0).rawValue }

    private static func of(_ scalar: Unicode.Scalar) -> CharacterClass {
        guard scalar.isKnownToLibrary else { return .other }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return scalar.properties.isWhitespace ? .space : .other
        }
    }
}

extension Unicode.Scalar {
    /// Assigned in Unicode 16: token ids must not change with the data of the Swift runtime, and this is the version that
    /// the regular expressions of the `tokenizers` library know.
    var isKnownToLibrary: Bool { properties.age.map { $0.major <= 16 } ?? true }
}
