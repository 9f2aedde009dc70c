/// Why a text is not JSON, and where.
struct JSONError: Error {
    let reason: String
    /// Bytes from the start of the text.
    let offset: Int
}

extension JSON {
    /// Reads one JSON value that fills `text` (RFC 8259; strings must be valid Unicode).
    static func parse(_ text: UnsafeRawBufferPointer, once keys: Set<String> = []) throws(JSONError) -> JSON {
        var parser = JSONParser(bytes: text)
        parser.keysGivenOnce = keys
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.next == nil else { throw parser.error("text after the end of the value") }
        return value
    }

    /// Why `text` is not JSON, where what it has in place of a number is to blame; `nil` for other text, and for JSON.
    package static func notANumber(in text: String) -> String? {
        var text = text
        return text.withUTF8 { bytes -> String? in
            do throws(JSONError) {
                _ = try parse(UnsafeRawBufferPointer(bytes))
                return nil
            } catch {
                return ["NaN", "Infinity", "-Infinity"].first { error.reason.hasPrefix($0 + " is") }
            }
        }
    }

    /// Reads one JSON value that fills `text`.
    ///
    /// - Parameter keys: Keys that the value itself, where it is an object, may have but once.
    package static func parse(_ text: String, once keys: Set<String> = []) -> JSON? {
        var text = text
        return text.withUTF8 { try? parse(UnsafeRawBufferPointer($0), once: keys) }
    }
}

private struct JSONParser {
    static let maximumDepth = 256

    let bytes: UnsafeRawBufferPointer
    var position = 0
    /// Keys that the outermost object may have once.
    var keysGivenOnce: Set<String> = []

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func error(_ reason: String, at offset: Int? = nil) -> JSONError {
        JSONError(reason: reason, offset: offset ?? position)
    }

    /// Something else stands where a value or a sign was needed.
    func expected(_ what: String) -> JSONError {
        error(next == nil ? "it ends where \(what) should come" : "expected \(what)")
    }

    mutating func skipSpace() {
        while let byte = next, byte == UInt8(ascii: " ") || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) throws(JSONError) -> JSON {
        guard depth < Self.maximumDepth else { throw error("nested more than \(Self.maximumDepth) deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
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
    func notANumber(_ word: String) -> JSONError {
        error("\(word) is no value of JSON; write null or a number, or leave the key out")
    }

    func stands(_ word: StaticString) -> Bool {
        (0..<word.utf8CodeUnitCount).allSatisfy { offset in
            position + offset < bytes.count && bytes[position + offset] == word.utf8Start[offset]
        }
    }

    mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        position += 1
        var object = JSONObject.Builder()
        skipSpace()
        if skip(UInt8(ascii: "}")) { return object.finished }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
            let key = try string()
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw expected("':'") }
            if depth == 0, keysGivenOnce.contains(key), object.finished[key] != nil {
                throw error("'\(key)' comes twice")
            }
            object.set(key, try value(depth: depth + 1))
            skipSpace()
            if skip(UInt8(ascii: "}")) { return object.finished }
            guard skip(UInt8(ascii: ",")) else { throw expected("',' or '}'") }
        }
    }

    mutating func array(depth: Int) throws(JSONError) -> [JSON] {
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

    mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for offset in 0..<word.utf8CodeUnitCount {
            guard next == word.utf8Start[offset] else { throw expected("'\(word)'") }
            position += 1
        }
        return value
    }

    mutating func number() throws(JSONError) -> String {
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

    mutating func digits() throws(JSONError) {
        let start = position
        while let byte = next, isDigit(byte) { position += 1 }
        guard position > start else { throw expected("a digit") }
    }

    func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
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
                return try validated(unescaped, from: start)
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

    /// Moves to the next quote, backslash or control character.
    mutating func skipPlain() {
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return }
            position += 1
        }
    }

    func validated(_ text: some Collection<UInt8>, from start: Int) throws(JSONError) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw error("a string is not valid UTF-8", at: start)
        }
        return string
    }

    mutating func escape(into text: inout [UInt8]) throws(JSONError) {
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

    mutating func hexadecimal() throws(JSONError) -> UInt32 {
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
