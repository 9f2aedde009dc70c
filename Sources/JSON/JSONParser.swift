import Foundation

/// Reads one value from bytes, in one pass.
struct JSONParser {
    private static let maximumDepth = 256

    private let bytes: UnsafeRawBufferPointer
    private let repeatedKeys: JSON.RepeatedKeys
    private var position = 0
    /// All bytes of a string that were passed over, in one: none is past ASCII where no sign is set.
    private var passed: UInt64 = 0

    init(_ bytes: UnsafeRawBufferPointer, repeatedKeys: JSON.RepeatedKeys) {
        (self.bytes, self.repeatedKeys) = (bytes, repeatedKeys)
    }

    /// The value that fills the text.
    mutating func document() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard next == nil else { throw error("text after the end of the value") }
        return value
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func error(_ reason: String, at offset: Int? = nil) -> JSONError {
        JSONError(reason, at: offset ?? position)
    }

    /// Something else stands where a value or a sign was needed.
    private func expected(_ what: String) -> JSONError {
        error(next == nil ? "it ends where \(what) should come" : "expected \(what)")
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == UInt8(ascii: " ") || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        guard depth < Self.maximumDepth else { throw error("nested more than \(Self.maximumDepth) deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): return .number(try number())
        case UInt8(ascii: "N") where stands("NaN"): throw notANumber("NaN")
        case UInt8(ascii: "I") where stands("Infinity"): throw notANumber("Infinity")
        default: throw expected("a value")
        }
    }

    /// Python's `json` writes and reads these, JSON has no word for them.
    private func notANumber(_ word: String) -> JSONError {
        JSONError(
            "\(word) is no value of JSON; write null or a number, or leave the key out", at: position, notANumber: word)
    }

    private func stands(_ word: StaticString) -> Bool {
        (0..<word.utf8CodeUnitCount).allSatisfy { offset in
            position + offset < bytes.count && bytes[position + offset] == word.utf8Start[offset]
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for offset in 0..<word.utf8CodeUnitCount {
            guard next == word.utf8Start[offset] else { throw expected("'\(word)'") }
            position += 1
        }
        return value
    }
}

extension JSONParser {
    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        position += 1
        var object = JSONObject.Builder(repeatedKeys)
        skipSpace()
        if skip(UInt8(ascii: "}")) { return object.finished }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
            let start = position
            let key = try string()
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw expected("':'") }
            guard object.add(key, try value(depth: depth + 1)) else {
                throw JSONError(
                    "an object has '\(key)' twice; keep the one that is meant", at: start, repeatedKey: key)
            }
            skipSpace()
            if skip(UInt8(ascii: "}")) { return object.finished }
            guard skip(UInt8(ascii: ",")) else { throw expected("',' or '}'") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSON] {
        position += 1
        var array: [JSON] = []
        skipSpace()
        if skip(UInt8(ascii: "]")) { return array }
        while true {
            array.append(try value(depth: depth + 1))
            skipSpace()
            if skip(UInt8(ascii: "]")) { return array }
            guard skip(UInt8(ascii: ",")) else { throw expected("',' or ']'") }
        }
    }
}

extension JSONParser {
    private mutating func number() throws(JSONError) -> String {
        let start = position
        if skip(UInt8(ascii: "-")), stands("Infinity") {
            position = start
            throw notANumber("-Infinity")
        }
        if !skip(UInt8(ascii: "0")) { try digits() }
        if skip(UInt8(ascii: ".")) { try digits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while let byte = next, isDigit(byte) { position += 1 }
        guard position > start else { throw expected("a digit") }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

extension JSONParser {
    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        passed = 0
        skipPlain()
        if next == UInt8(ascii: "\"") {
            position += 1
            let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position - 1])
            return try validated(text.assumingMemoryBound(to: UInt8.self), from: start)
        }
        var unescaped = [UInt8](bytes[start..<position])
        while true {
            switch next {
            case UInt8(ascii: "\""):
                position += 1
                let string = unescaped.withUnsafeBufferPointer { text in
                    Result { () throws(JSONError) in try validated(text, from: start) }
                }
                return try string.get()
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &unescaped)
            case nil: throw error("a string does not end")
            default: throw error("a bare control character in a string; write it as an escape")
            }
            let run = position
            skipPlain()
            unescaped.append(contentsOf: bytes[run..<position])
        }
    }

    /// Moves to the next quote, backslash or control character, eight bytes at a time.
    private mutating func skipPlain() {
        while position + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quotes = word ^ (Self.ones &* UInt64(UInt8(ascii: "\"")))
            let escapes = word ^ (Self.ones &* UInt64(UInt8(ascii: "\\")))
            // A byte borrows into its sign where it is less than what is taken away; the first that does is exact.
            let found =
                ((quotes &- Self.ones) & ~quotes | (escapes &- Self.ones) & ~escapes
                    | (word &- Self.ones &* 0x20) & ~word) & Self.signs
            if found != 0 {
                let count = found.trailingZeroBitCount / 8
                passed |= word & ~(.max << UInt64(8 * count))
                position += count
                return
            }
            passed |= word
            position += 8
        }
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return }
            passed |= UInt64(byte)
            position += 1
        }
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let signs: UInt64 = 0x8080_8080_8080_8080

    private func validated(_ text: UnsafeBufferPointer<UInt8>, from start: Int) throws(JSONError) -> String {
        var string = String(decoding: text, as: UTF8.self)
        if passed & Self.signs == 0 { return string }
        // Decoding repairs what is not UTF-8. To compare is several times as fast as `String(validating:)`.
        let isSame = string.withUTF8 { bytes in
            guard let left = bytes.baseAddress, let right = text.baseAddress else { return text.isEmpty }
            return bytes.count == text.count && memcmp(left, right, text.count) == 0
        }
        guard isSame else { throw error("a string is not valid UTF-8", at: start) }
        return string
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        let start = position - 1
        guard let byte = next else { throw error("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code), skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) {
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair", at: start) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", at: start) }
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw error("an unknown escape", at: start)
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw expected("four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
