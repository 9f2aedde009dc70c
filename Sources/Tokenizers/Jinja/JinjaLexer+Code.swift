extension JinjaLexer {
    /// Reads words up to the end of a tag.
    mutating func readCode(ending end: JinjaToken.Kind, from start: Int) throws(JinjaError) {
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
    func scalar(at offset: Int) -> (scalar: Unicode.Scalar, length: Int)? {
        guard offset < source.count else { return nil }
        let byte = source[offset]
        if byte < 0x80 { return (Unicode.Scalar(byte), 1) }
        let length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        let text = String(decoding: source[offset..<min(offset + length, source.count)], as: UTF8.self)
        return text.unicodeScalars.first.map { ($0, length) }
    }
}

extension Unicode.Scalar {
    fileprivate var startsJinjaName: Bool {
        self == "_" || (isASCII ? properties.isAlphabetic : properties.isXIDStart)
    }

    fileprivate var continuesJinjaName: Bool {
        startsJinjaName || (isASCII ? ("0"..."9").contains(self) : properties.isXIDContinue)
    }
}
