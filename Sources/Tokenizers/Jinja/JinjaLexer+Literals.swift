extension JinjaLexer {
    /// `10`, `1_000`, `0x1F`, `0o17`, `0b1`, `1.5`, `1e-3`.
    mutating func readNumber() throws(JinjaError) {
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

    mutating func readString(_ quote: UInt8) throws(JinjaError) {
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
