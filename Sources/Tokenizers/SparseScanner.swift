/// Hand-written scanners for regular expressions that do not match everywhere: what lies between their matches is a piece
/// too.
enum SparseScanner: Sendable, Equatable {
    /// The last of DeepSeek V3's three patterns.
    case deepSeek3
    /// Bloom's pattern: runs, with a space in front or not, of what is neither white space, `(`, `|`, `)` nor any of these.
    case bloom(delimiters: [UInt32])

    /// The scanner of a pattern's text; `nil` for one that has none.
    init?(pattern: String) {
        let deepSeek3 =
            ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
            + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        let bloom = (start: #" ?[^(\s|["#, end: "])]+")
        if pattern.escapingLineBreaks == deepSeek3 {
            self = .deepSeek3
        } else if pattern.hasPrefix(bloom.start), pattern.hasSuffix(bloom.end) {
            let delimiters = pattern.dropFirst(bloom.start.count).dropLast(bloom.end.count).unicodeScalars
            guard delimiters.allSatisfy({ !#"\[]^-&"#.unicodeScalars.contains($0) }) else { return nil }
            self = .bloom(delimiters: (delimiters + "(|)".unicodeScalars).map(\.value))
        } else {
            return nil
        }
    }

    /// The end of the match that starts at `index`, where `index < end`; `nil` where none does.
    @inline(__always)
    func endOfMatch(in reader: UTF8Reader, from index: Int, to end: Int) -> Int? {
        switch self {
        case .deepSeek3: Self.deepSeek3(reader, index, end)
        case .bloom(let delimiters): Self.bloom(reader, index, end, delimiters)
        }
    }

    private static func deepSeek3(_ reader: UTF8Reader, _ index: Int, _ end: Int) -> Int? {
        let table = CharacterTraits.table
        func traits(_ index: Int) -> (traits: CharacterTraits, length: Int) {
            let (scalar, length) = reader.scalar(at: index)
            return (CharacterTraits(rawValue: table[scalar]), length)
        }
        func endOfRun(_ wanted: CharacterTraits, _ index: Int) -> Int {
            var index = index
            while index < end {
                let (found, length) = traits(index)
                guard !found.isDisjoint(with: wanted) else { break }
                index += length
            }
            return index
        }
        let (first, length) = traits(index)
        let next = index + length
        if !first.isDisjoint(with: [.letter, .mark]) { return endOfRun([.letter, .mark], next) }
        let byte = reader.text[index]
        if !first.isDisjoint(with: [.punctuation, .symbol]) {
            if byte < 0x80 {
                var endOfWord = next
                while endOfWord < end, isLetter(reader.text[endOfWord]) { endOfWord += 1 }
                if endOfWord > next { return endOfWord }
            }
        } else if !WordScanner.isNewline(byte), next < end,
            !traits(next).traits.isDisjoint(with: [.letter, .mark])
        {
            return endOfRun([.letter, .mark], next)
        }
        let start = byte == UInt8(ascii: " ") ? next : index
        var endOfSigns = endOfRun([.punctuation, .symbol], start)
        if endOfSigns > start {
            while endOfSigns < end, WordScanner.isNewline(reader.text[endOfSigns]) { endOfSigns += 1 }
            return endOfSigns
        }
        return first.contains(.space) ? WordScanner.endOfLines(reader, index, end) : nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    private static func bloom(_ reader: UTF8Reader, _ index: Int, _ end: Int, _ delimiters: [UInt32]) -> Int? {
        let start = reader.text[index] == UInt8(ascii: " ") ? index + 1 : index
        var endOfRun = start
        while endOfRun < end {
            let (scalar, length) = reader.scalar(at: endOfRun)
            guard !reader.isClass(.space, at: endOfRun), !delimiters.contains(scalar) else { break }
            endOfRun += length
        }
        return endOfRun > start ? endOfRun : nil
    }
}
