/// What some pre-tokenizers ask of a character besides its class.
package struct CharacterTraits: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `\p{L}`
    package static let letter = CharacterTraits(rawValue: 1 << 0)
    /// `\p{M}`
    package static let mark = CharacterTraits(rawValue: 1 << 1)
    /// `\p{N}`
    package static let number = CharacterTraits(rawValue: 1 << 2)
    /// `\p{P}`
    package static let punctuation = CharacterTraits(rawValue: 1 << 3)
    /// `\p{S}`
    package static let symbol = CharacterTraits(rawValue: 1 << 4)
    /// `\s`
    package static let space = CharacterTraits(rawValue: 1 << 5)
    /// `\w`, as Unicode recommends it for regular expressions.
    package static let word = CharacterTraits(rawValue: 1 << 6)
    /// What the pre-tokenizer `Punctuation` takes for some: that of Unicode 8, and the symbols of ASCII.
    package static let delimiter = CharacterTraits(rawValue: 1 << 7)

    /// The traits of every scalar.
    package static let table = ScalarTable { of($0).rawValue }

    /// Those of one, without the table.
    static func of(_ scalar: Unicode.Scalar) -> CharacterTraits {
        guard scalar.isKnownToLibrary else { return [] }
        let properties = scalar.properties
        var traits: CharacterTraits = properties.isWhitespace ? .space : []
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            traits.insert(.letter)
        case .nonspacingMark, .spacingMark, .enclosingMark: traits.formUnion([.mark, .word])
        case .decimalNumber: traits.formUnion([.number, .word])
        case .letterNumber, .otherNumber: traits.insert(.number)
        case .connectorPunctuation: traits.formUnion([.punctuation, .word])
        case .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation:
            traits.insert(.punctuation)
        case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: traits.insert(.symbol)
        default: break
        }
        if properties.isAlphabetic || properties.isJoinControl { traits.insert(.word) }
        if scalar.isDelimiter(traits) { traits.insert(.delimiter) }
        return traits
    }
}

extension Unicode.Scalar {
    fileprivate func isDelimiter(_ traits: CharacterTraits) -> Bool {
        if isASCII { return !traits.isDisjoint(with: [.punctuation, .symbol]) }
        // Two that were punctuation then and have become something else.
        if value == 0x166D || value == 0x111C9 { return true }
        return traits.contains(.punctuation) && (properties.age.map { $0.major <= 8 } ?? false)
    }
}
