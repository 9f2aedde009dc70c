/// Hand-written scanners for the regular expressions that byte-level tokenizers split text by.
///
/// Each takes the whole text apart: from any position one of the pattern's alternatives matches at least one character.
enum WordScanner: Sendable, Equatable {
    /// GPT-2's pattern, also the one inside `ByteLevel`.
    case gpt2
    /// The pattern of Llama 3 (`maximumDigits` 3) and Qwen 2 (1).
    case llama3(maximumDigits: Int)

    /// The scanner of a pattern's text; `nil` for one that has none.
    init?(pattern: String) {
        let tail = #"\s+(?!\S)|\s+"#
        let gpt2Tail = #"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|"# + tail
        let llama3Head = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"#
        let llama3Tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"# + tail
        switch pattern.escapingLineBreaks {
        case #"'s|'t|'re|'ve|'m|'ll|'d"# + gpt2Tail, #"'(?:[sdmt]|ll|ve|re)"# + gpt2Tail: self = .gpt2
        case llama3Head + #"\p{N}{1,3}"# + llama3Tail: self = .llama3(maximumDigits: 3)
        case llama3Head + #"\p{N}"# + llama3Tail: self = .llama3(maximumDigits: 1)
        case llama3Head + #"\p{N}+"# + llama3Tail: self = .llama3(maximumDigits: .max)
        default: return nil
        }
    }

    /// The end of the word that starts at `index`, where `index < end`.
    @inline(__always)
    func endOfWord(in reader: UTF8Reader, from index: Int, to end: Int) -> Int {
        switch self {
        case .gpt2: Self.gpt2(reader, index, end)
        case .llama3(let maximumDigits): Self.llama3(reader, index, end, maximumDigits)
        }
    }

    @inline(__always)
    private static func gpt2(_ reader: UTF8Reader, _ index: Int, _ end: Int) -> Int {
        let first = reader.text[index]
        if first == UInt8(ascii: "'"), let end = contraction(reader, index, end, anyCase: false) { return end }
        let start = first == UInt8(ascii: " ") && index + 1 < end ? index + 1 : index
        let (found, length) = reader.rawClass(at: start)
        if let found = CharacterClass(rawValue: found), found != .space {
            return reader.endOfRun(found, from: start + length, to: end)
        }
        return endOfSpace(reader, index, end)
    }

    @inline(__always)
    private static func llama3(_ reader: UTF8Reader, _ index: Int, _ end: Int, _ maximumDigits: Int) -> Int {
        let text = reader.text
        let first = text[index]
        if first == UInt8(ascii: "'"), let end = contraction(reader, index, end, anyCase: true) { return end }
        let (found, length) = reader.rawClass(at: index)
        let next = index + length
        if found == CharacterClass.letter.rawValue { return reader.endOfRun(.letter, from: next, to: end) }
        if found == CharacterClass.number.rawValue {
            return reader.endOfRun(.number, from: index, to: end, limit: maximumDigits)
        }
        if !isNewline(first), next < end, reader.isClass(.letter, at: next) {
            return reader.endOfRun(.letter, from: next, to: end)
        }
        let start = first == UInt8(ascii: " ") && next < end ? next : index
        if reader.isClass(.other, at: start) {
            var index = reader.endOfRun(.other, from: start, to: end)
            while index < end, isNewline(text[index]) { index += 1 }
            return index
        }
        return endOfLines(reader, index, end)
    }

    @inline(__always)
    static func isNewline(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`: a run of space up to its last line break.
    static func endOfLines(_ reader: UTF8Reader, _ index: Int, _ end: Int) -> Int {
        let endOfRun = reader.endOfRun(.space, from: index, to: end)
        var lastNewline = endOfRun
        while lastNewline > index, !isNewline(reader.text[lastNewline - 1]) { lastNewline -= 1 }
        return lastNewline > index ? lastNewline : endOfSpace(reader, index, end)
    }

    /// `\s+(?!\S)|\s+`: a run of space leaves its last character to the word that follows.
    private static func endOfSpace(_ reader: UTF8Reader, _ index: Int, _ end: Int) -> Int {
        let endOfRun = reader.endOfRun(.space, from: index, to: end)
        guard endOfRun < end else { return end }
        var last = endOfRun - 1
        while last > index, reader.text[last] & 0xC0 == 0x80 { last -= 1 }
        return last > index ? last : endOfRun
    }

    /// The end of an English contraction (`'s 't 're 've 'm 'll 'd`) at the apostrophe `index`.
    private static func contraction(_ reader: UTF8Reader, _ index: Int, _ end: Int, anyCase: Bool) -> Int? {
        let text = reader.text
        func letter(_ offset: Int) -> UInt8 {
            guard index + offset < end else { return 0 }
            let byte = text[index + offset]
            return anyCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        switch (letter(1), letter(2)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
            return index + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return index + 3
        case (0xC5, 0xBF) where anyCase:
            // U+017F, the long s, is an s when case does not count.
            return index + 3
        default: return nil
        }
    }
}

extension String {
    /// With `\r` and `\n` for line breaks, which patterns have either way.
    var escapingLineBreaks: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
                    switch scalar {
                    case "\r": ["\\", "r"]
                    case "\n": ["\\", "n"]
                    default: [scalar]
                    }
                }))
    }
}
