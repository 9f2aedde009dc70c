/// Splits a template into words, with `trim_blocks` and `lstrip_blocks` as transformers sets them.
///
/// A line break after a block or a comment goes, and so does white space between a line's start and one. `-` beside a
/// tag takes all white space on its side, `+` keeps all.
struct JinjaLexer {
    /// The template with `\n` as its only line break, and none at its end.
    let source: [UInt8]
    var position = 0
    var tokens: [JinjaToken] = []

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

    mutating func add(_ kind: JinjaToken.Kind, at offset: Int) {
        tokens.append(JinjaToken(kind: kind, offset: offset))
    }

    func error(_ message: String, at offset: Int) -> JinjaError {
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
    mutating func sign() -> UInt8? {
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
    mutating func skipAfterTag(_ sign: UInt8) {
        if sign == .minus {
            skipSpace()
        } else if sign != .plus, position < source.count, source[position] == .newline {
            position += 1
        }
    }

    mutating func skipSpace() {
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

    func isAt(_ text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= source.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { source[position + $0] == text.utf8Start[$0] }
    }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")

    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}
