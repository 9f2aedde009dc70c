/// Splits a template into words, with `trim_blocks` and `lstrip_blocks` as transformers sets them.
///
/// A line break after a block or a comment goes, and so does white space between a line's start and one. `-` beside a
/// tag takes all white space on its side, `+` keeps all.
struct JinjaLexer {
    /// The template with `\n` as its only line break, and none at its end.
    let source: [UInt8]
    private var position = 0
    private var tokens: [JinjaToken] = []

    init(_ text: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var last: UInt8 = 0
        for byte in text.utf8 {
            if byte == .carriageReturn {
                bytes.append(.newline)
            } else if byte != .newline || last != .carriageReturn {
                bytes.append(byte)
            }
            last = byte
        }
        if bytes.last == .newline { bytes.removeLast() }
        source = bytes
    }

    /// The words, with one that marks the end.
    mutating func read() throws(JinjaError) -> [JinjaToken] {
        while position < source.count { try readText() }
        add(.end, at: source.count)
        return tokens
    }

    private mutating func add(_ kind: JinjaToken.Kind, at offset: Int) {
        tokens.append(JinjaToken(kind: kind, offset: offset))
    }

    private func error(_ message: String, at offset: Int) -> JinjaError {
        JinjaError(.syntax, message).located(at: offset, in: source)
    }
}

// MARK: Text and tags

extension JinjaLexer {
    private enum Tag {
        case variable, block, comment, raw
    }

    /// Reads text up to the next tag, and that tag.
    private mutating func readText() throws(JinjaError) {
        let start = position
        guard let (offset, tag) = nextTag() else {
            add(.data(String(decoding: source[start...], as: UTF8.self)), at: start)
            position = source.count
            return
        }
        position = offset + 2
        let sign = self.sign()
        addText(start..<offset, before: tag, sign)
        switch tag {
        case .comment: try skipComment(from: offset)
        case .raw: try readRaw(from: offset)
        case .variable:
            add(.variableBegin, at: offset)
            try readCode(ending: .variableEnd, from: offset)
        case .block:
            add(.blockBegin, at: offset)
            try readCode(ending: .blockEnd, from: offset)
        }
    }

    private func nextTag() -> (offset: Int, tag: Tag)? {
        var offset = position
        while offset + 1 < source.count {
            if source[offset] == UInt8(ascii: "{") {
                switch source[offset + 1] {
                case UInt8(ascii: "{"): return (offset, .variable)
                case UInt8(ascii: "#"): return (offset, .comment)
                case UInt8(ascii: "%"): return (offset, rawEnd(offset) == nil ? .block : .raw)
                default: break
                }
            }
            offset += 1
        }
        return nil
    }

    /// Passes a `-` or `+`.
    private mutating func sign() -> UInt8? {
        guard position < source.count, source[position] == .minus || source[position] == .plus else { return nil }
        defer { position += 1 }
        return source[position]
    }

    private mutating func addText(_ range: Range<Int>, before tag: Tag, _ sign: UInt8?) {
        var end = range.upperBound
        if sign == .minus {
            end = trimmedEnd(range)
        } else if sign == nil, tag != .variable {
            let line = source[range].lastIndex(of: .newline).map { $0 + 1 } ?? range.lowerBound
            let startsLine = line > range.lowerBound || line == 0 || source[line - 1] == .newline
            if startsLine, trimmedEnd(line..<end) == line { end = line }
        }
        guard end > range.lowerBound else { return }
        add(.data(String(decoding: source[range.lowerBound..<end], as: UTF8.self)), at: range.lowerBound)
    }

    /// Where a text ends once white space behind it is left off.
    private func trimmedEnd(_ range: Range<Int>) -> Int {
        let text = String(decoding: source[range], as: UTF8.self).unicodeScalars
        let trimmed = text[..<(text.lastIndex { !$0.isPythonSpace }.map(text.index(after:)) ?? text.startIndex)]
        return range.lowerBound + String(trimmed).utf8.count
    }

    private mutating func skipComment(from start: Int) throws(JinjaError) {
        var offset = position
        while offset + 1 < source.count {
            if source[offset] == UInt8(ascii: "#"), source[offset + 1] == UInt8(ascii: "}") {
                let sign = offset > position ? source[offset - 1] : 0
                position = offset + 2
                skipAfterTag(sign)
                return
            }
            offset += 1
        }
        throw error("a comment does not end; write '#}'", at: start)
    }

    /// What follows the end of a block or comment: all white space after `-`, a line break unless after `+`.
    private mutating func skipAfterTag(_ sign: UInt8) {
        if sign == .minus {
            skipSpace()
        } else if sign != .plus, position < source.count, source[position] == .newline {
            position += 1
        }
    }

    private mutating func skipSpace() {
        while let (scalar, length) = scalar(at: position), scalar.isPythonSpace { position += length }
    }
}

// MARK: Raw text

extension JinjaLexer {
    /// Where `{% raw %}` at `offset` ends, if that is what stands there.
    private func rawEnd(_ offset: Int) -> Int? { bareTag("raw", at: offset, trims: false) }

    /// Where a tag of one word ends: `{%`, a sign, the word, `%}` and the white space that goes with it.
    private func bareTag(_ word: StaticString, at offset: Int, trims: Bool) -> Int? {
        var copy = self
        copy.position = offset + 2
        _ = copy.sign()
        copy.skipSpace()
        for index in 0..<word.utf8CodeUnitCount {
            guard copy.position < source.count, source[copy.position] == word.utf8Start[index] else { return nil }
            copy.position += 1
        }
        copy.skipSpace()
        var sign: UInt8 = 0
        if copy.position < source.count, source[copy.position] == .minus || trims && source[copy.position] == .plus {
            sign = source[copy.position]
            copy.position += 1
        }
        guard copy.isAt("%}") else { return nil }
        copy.position += 2
        if trims || sign == .minus { copy.skipAfterTag(sign) }
        return copy.position
    }

    private mutating func readRaw(from offset: Int) throws(JinjaError) {
        guard let start = rawEnd(offset) else { return }
        var end = start
        while end + 1 < source.count {
            if source[end] == UInt8(ascii: "{"), source[end + 1] == UInt8(ascii: "%"),
                let next = bareTag("endraw", at: end, trims: true)
            {
                position = end + 2
                addText(start..<end, before: .raw, sign())
                position = next
                return
            }
            end += 1
        }
        throw error("raw text does not end; write '{% endraw %}'", at: offset)
    }

    private func isAt(_ text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= source.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { source[position + $0] == text.utf8Start[$0] }
    }
}

// MARK: Code

extension JinjaLexer {
    /// Reads words up to the end of a tag.
    private mutating func readCode(ending end: JinjaToken.Kind, from start: Int) throws(JinjaError) {
        var open: [JinjaSymbol] = []
        while true {
            skipSpace()
            guard position < source.count else { throw error("a tag does not end", at: start) }
            if open.isEmpty, skipEnd(end) { return }
            let offset = position
            let byte = source[offset]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): try readNumber()
            case UInt8(ascii: "'"), UInt8(ascii: "\""): try readString(byte)
            default:
                if let name = readName() {
                    add(.name(name), at: offset)
                    continue
                }
                let symbol = try readSymbol()
                if let closing = symbol.closing { open.append(closing) }
                if symbol.isClosing {
                    guard let expected = open.popLast() else {
                        throw error("'\(symbol.rawValue)' closes nothing", at: offset)
                    }
                    guard expected == symbol else {
                        throw error("'\(symbol.rawValue)' where '\(expected.rawValue)' is expected", at: offset)
                    }
                }
                add(.symbol(symbol), at: offset)
            }
        }
    }

    /// Passes the end of a tag with the white space that goes with it.
    private mutating func skipEnd(_ end: JinjaToken.Kind) -> Bool {
        let start = position
        let isBlock = end == .blockEnd
        var sign: UInt8 = 0
        if source[position] == .minus || isBlock && source[position] == .plus {
            sign = source[position]
            position += 1
        }
        guard isAt(isBlock ? "%}" : "}}") else {
            position = start
            return false
        }
        position += 2
        add(end, at: start)
        if isBlock || sign == .minus { skipAfterTag(sign) }
        return true
    }

    private mutating func readSymbol() throws(JinjaError) -> JinjaSymbol {
        for symbol in JinjaSymbol.allCases {
            let text = symbol.rawValue.utf8
            if source[position...].starts(with: text) {
                position += text.count
                return symbol
            }
        }
        let character = scalar(at: position)?.scalar ?? "?"
        throw error("unexpected character \(String(character).debugDescription)", at: position)
    }

    private mutating func readName() -> String? {
        let start = position
        while let (scalar, length) = scalar(at: position),
            position == start ? scalar.startsJinjaName : scalar.continuesJinjaName
        {
            position += length
        }
        return position > start ? String(decoding: source[start..<position], as: UTF8.self) : nil
    }

    /// The character that starts at a byte.
    private func scalar(at offset: Int) -> (scalar: Unicode.Scalar, length: Int)? {
        guard offset < source.count else { return nil }
        let byte = source[offset]
        if byte < 0x80 { return (Unicode.Scalar(byte), 1) }
        let length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        let text = String(decoding: source[offset..<min(offset + length, source.count)], as: UTF8.self)
        return text.unicodeScalars.first.map { ($0, length) }
    }
}

// MARK: Numbers and strings

extension JinjaLexer {
    /// `10`, `1_000`, `0x1F`, `0o17`, `0b1`, `1.5`, `1e-3`.
    private mutating func readNumber() throws(JinjaError) {
        let start = position
        if source[position] == UInt8(ascii: "0"), position + 1 < source.count,
            let radix = [UInt8(ascii: "x"): 16, UInt8(ascii: "o"): 8, UInt8(ascii: "b"): 2][source[position + 1] | 0x20]
        {
            position += 2
            let digits = self.digits(radix: radix)
            guard !digits.isEmpty else { throw error("a number has no digits", at: start) }
            try addInteger(digits, radix: radix, at: start)
            return
        }
        // In `a.0.1` both are indices.
        let isIndex = start > 0 && source[start - 1] == UInt8(ascii: ".")
        var text = digits(radix: 10)
        var isFloat = false
        if !isIndex, position + 1 < source.count, source[position] == UInt8(ascii: "."), source[position + 1].isDigit {
            position += 1
            text += "." + digits(radix: 10)
            isFloat = true
        }
        if !isIndex, position < source.count, source[position] | 0x20 == UInt8(ascii: "e") {
            var after = position + 1
            if after < source.count, source[after] == .minus || source[after] == .plus { after += 1 }
            if after < source.count, source[after].isDigit {
                text += String(decoding: source[position..<after], as: UTF8.self)
                position = after
                text += digits(radix: 10)
                isFloat = true
            }
        }
        if isFloat {
            add(.float(Double(text) ?? .infinity), at: start)
        } else if text.utf8.count > 1, text.hasPrefix("0"), text.contains(where: { $0 != "0" }) {
            throw error("a number begins with 0", at: start)
        } else {
            try addInteger(text, radix: 10, at: start)
        }
    }

    private mutating func addInteger(_ digits: String, radix: Int, at start: Int) throws(JinjaError) {
        guard let value = Int(digits, radix: radix) else {
            throw error("the number \(digits) is past 64 bits", at: start)
        }
        add(.integer(value), at: start)
    }

    /// Passes digits with single underscores between them, and gives them without.
    private mutating func digits(radix: Int) -> String {
        func isDigit(_ offset: Int) -> Bool {
            offset < source.count && Character(Unicode.Scalar(source[offset])).hexDigitValue.map { $0 < radix } ?? false
                && source[offset] < 0x80
        }
        var text = ""
        while isDigit(position)
            || position < source.count && source[position] == UInt8(ascii: "_")
                && isDigit(position + 1)
        {
            if source[position] != UInt8(ascii: "_") { text.unicodeScalars.append(Unicode.Scalar(source[position])) }
            position += 1
        }
        return text
    }

    private mutating func readString(_ quote: UInt8) throws(JinjaError) {
        let start = position
        position += 1
        var text: [UInt8] = []
        while position < source.count, source[position] != quote {
            if source[position] == UInt8(ascii: "\\") {
                try readEscape(into: &text)
            } else {
                text.append(source[position])
                position += 1
            }
        }
        guard position < source.count else { throw error("a string does not end", at: start) }
        position += 1
        add(.string(String(decoding: text, as: UTF8.self)), at: start)
    }

    /// Escapes as Python has them in strings; what is none stays as it is.
    private mutating func readEscape(into text: inout [UInt8]) throws(JinjaError) {
        let start = position
        guard position + 1 < source.count else { throw error("a string does not end", at: start) }
        let byte = source[position + 1]
        position += 2
        switch byte {
        case .newline: break
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): text.append(byte)
        case UInt8(ascii: "a"): text.append(0x07)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(.newline)
        case UInt8(ascii: "r"): text.append(.carriageReturn)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "v"): text.append(0x0B)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            position -= 1
            try append(number(radix: 8, upTo: 3), to: &text, from: start)
        case UInt8(ascii: "x"): try append(number(radix: 16, exactly: 2, from: start), to: &text, from: start)
        case UInt8(ascii: "u"): try append(number(radix: 16, exactly: 4, from: start), to: &text, from: start)
        case UInt8(ascii: "U"): try append(number(radix: 16, exactly: 8, from: start), to: &text, from: start)
        case UInt8(ascii: "N"): throw error("an escape by a character's name; write \\u and its number", at: start)
        default:
            text.append(UInt8(ascii: "\\"))
            text.append(byte)
        }
    }

    private mutating func number(radix: UInt32, upTo count: Int) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard position < source.count, source[position] < 0x80,
                let digit = Character(Unicode.Scalar(source[position])).hexDigitValue, digit < radix
            else { break }
            value = value * radix + UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func number(radix: UInt32, exactly count: Int, from start: Int) throws(JinjaError) -> UInt32 {
        let before = position
        let value = number(radix: radix, upTo: count)
        guard position == before + count else { throw error("an escape has too few digits", at: start) }
        return value
    }

    private func append(_ code: UInt32, to text: inout [UInt8], from start: Int) throws(JinjaError) {
        guard let scalar = Unicode.Scalar(code) else { throw error("an escape is no character", at: start) }
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
}

extension UInt8 {
    fileprivate static let newline = UInt8(ascii: "\n")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")
    fileprivate static let minus = UInt8(ascii: "-")
    fileprivate static let plus = UInt8(ascii: "+")

    fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}

extension Unicode.Scalar {
    fileprivate var startsJinjaName: Bool {
        self == "_" || (isASCII ? properties.isAlphabetic : properties.isXIDStart)
    }

    fileprivate var continuesJinjaName: Bool {
        startsJinjaName || (isASCII ? ("0"..."9").contains(self) : properties.isXIDContinue)
    }
}
