/// The pattern of a run of like characters, such as `\p{N}{1,3}`, `[0-9][0-9][0-9]` or `\s`.
struct CharacterRun: Sendable, Equatable {
    enum Characters: Sendable, Equatable {
        /// Those of a class.
        case ofClass(CharacterClass)
        /// Those with any of the traits.
        case traits(CharacterTraits)
        /// Those in any of the ranges.
        case ranges([ClosedRange<UInt32>])
    }

    let characters: Characters
    let minimum: Int
    let maximum: Int
    /// A bit for each character of ASCII.
    private let isContained: SIMD2<UInt64>

    init(_ characters: Characters, minimum: Int = 1, maximum: Int = 1) {
        (self.characters, self.minimum, self.maximum) = (characters, minimum, maximum)
        var bits = SIMD2<UInt64>()
        for byte in UInt8(0)..<0x80 where characters.contain(Unicode.Scalar(byte)) {
            bits[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
        }
        isContained = bits
    }

    /// A regular expression's text; `nil` for one that says more than a run, or is not known to mean one.
    init?(pattern: String) {
        var rest = Substring(pattern).unicodeScalars
        guard let characters = Characters(from: &rest) else { return nil }
        let unit = pattern.unicodeScalars.prefix(pattern.unicodeScalars.count - rest.count)
        var count = 1
        while rest.starts(with: unit) {
            rest.removeFirst(unit.count)
            count += 1
        }
        // A run that is too short is gone through again from its next character.
        guard rest.isEmpty || count == 1, let counts = Self.counts(rest, once: count),
            (1...Self.greatestMinimum).contains(counts.lowerBound)
        else { return nil }
        self.init(characters, minimum: counts.lowerBound, maximum: counts.upperBound)
    }

    /// The end of the longest run at `index`; `nil` where there is none, or too short a one.
    @inline(__always)
    func endOfMatch(in reader: UTF8Reader, from start: Int, to end: Int) -> Int? {
        var (index, count) = (start, 0)
        while index < end, count < maximum {
            let (scalar, length) = reader.scalar(at: index)
            let isContained =
                length == 1
                ? isContained[Int(scalar >> 6)] & 1 << UInt64(scalar & 63) != 0 : characters.contain(scalar)
            guard isContained else { break }
            index += length
            count += 1
        }
        return count < minimum ? nil : index
    }

    private static let greatestMinimum = 64

    /// How often characters come, by `+`, `{2}`, `{1,3}` or nothing.
    private static func counts(_ text: Substring.UnicodeScalarView, once: Int) -> ClosedRange<Int>? {
        if text.isEmpty { return once...once }
        let text = String(text)
        if text == "+" { return 1...Int.max }
        guard text.hasPrefix("{"), text.hasSuffix("}") else { return nil }
        let numbers = text.dropFirst().dropLast().split(separator: ",", omittingEmptySubsequences: false)
        let counts = numbers.compactMap { $0.allSatisfy(\.isNumber) ? Int($0) : nil }
        guard counts.count == numbers.count, counts.count <= 2, counts[0] <= counts[counts.count - 1] else {
            return nil
        }
        return counts[0]...counts[counts.count - 1]
    }
}

extension CharacterRun.Characters {
    /// Whether a character is one of them, without the table of traits, which takes time to make.
    fileprivate func contain(_ scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .traits(let traits): !traits.isDisjoint(with: .of(scalar))
        case .ofClass, .ranges: contain(scalar.value)
        }
    }

    fileprivate func contain(_ scalar: UInt32) -> Bool {
        switch self {
        case .ofClass(let wanted): CharacterClass.table[scalar] == wanted.rawValue
        case .traits(let traits): !traits.isDisjoint(with: CharacterTraits(rawValue: CharacterTraits.table[scalar]))
        case .ranges(let ranges): ranges.contains { $0.contains(scalar) }
        }
    }

    /// Takes the characters that a regular expression begins with: a property or a class of characters and ranges.
    fileprivate init?(from text: inout Substring.UnicodeScalarView) {
        let properties: [(String, Self)] = [
            (#"\p{L}"#, .ofClass(.letter)), (#"\p{N}"#, .ofClass(.number)), (#"\s"#, .ofClass(.space)),
            (#"\p{M}"#, .traits(.mark)), (#"\p{P}"#, .traits(.punctuation)), (#"\p{S}"#, .traits(.symbol)),
        ]
        if let (name, property) = properties.first(where: { text.starts(with: $0.0.unicodeScalars) }) {
            text.removeFirst(name.unicodeScalars.count)
            self = property
            return
        }
        guard text.popFirst() == "[" else { return nil }
        var ranges: [ClosedRange<UInt32>] = []
        while let first = text.popFirst() {
            if first == "]", !ranges.isEmpty {
                self = .ranges(ranges)
                return
            }
            guard !Self.isSpecial(first) else { return nil }
            var last = first
            if text.first == "-" {
                text.removeFirst()
                guard let end = text.popFirst(), !Self.isSpecial(end), first <= end else { return nil }
                last = end
            }
            ranges.append(first.value...last.value)
        }
        return nil
    }

    /// Whether a character stands for something else than itself in some class.
    private static func isSpecial(_ scalar: Unicode.Scalar) -> Bool { #"\[]^-&~#"#.unicodeScalars.contains(scalar) }
}
