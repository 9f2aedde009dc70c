/// How strings are written, where the bytes of a file ask for one of several forms.
package enum JSONEscapes: Sendable {
    /// Quotes, backslashes and control characters, with JSON's short forms (`\n`, `\b`), as Python's `json` writes them.
    case short
    /// The same without short forms: `\u000a`.
    case codes
    /// Also what a terminal or an editor does not show; only with the short forms that every reader of YAML takes.
    case invisible
}

extension JSON {
    /// The value on one line, with `", "` and `": "` between parts as Python's `json` writes it, and text as UTF-8.
    public var line: String {
        var text: [UInt8] = []
        write(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The value on one line without spaces between its parts.
    package var compact: String {
        var text: [UInt8] = []
        write(to: &text, comma: ",", colon: ":")
        return String(decoding: text, as: UTF8.self)
    }

    /// The value over several lines, two spaces a level, as files of settings are written.
    package func indented(_ escapes: JSONEscapes = .short) -> String { indented(by: "", escapes) }

    /// A string in double quotes.
    package static func quoted(_ string: String, _ escapes: JSONEscapes = .short) -> String {
        var text: [UInt8] = []
        write(string, to: &text, escapes)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the value on one line.
    package func write(to text: inout [UInt8], comma: StaticString = ", ", colon: StaticString = ": ") {
        switch self {
        case .null: text.append(contentsOf: "null".utf8)
        case .bool(let value): text.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let digits): text.append(contentsOf: digits.utf8)
        case .string(let string): Self.write(string, to: &text, .short)
        case .array(let values):
            text.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { text.append(comma) }
                value.write(to: &text, comma: comma, colon: colon)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let object):
            text.append(UInt8(ascii: "{"))
            for (index, entry) in object.entries.enumerated() {
                if index > 0 { text.append(comma) }
                Self.write(entry.key, to: &text, .short)
                text.append(colon)
                entry.value.write(to: &text, comma: comma, colon: colon)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private func indented(by indent: String, _ escapes: JSONEscapes) -> String {
        let inner = indent + "  "
        func block(_ open: String, _ items: [String], _ close: String) -> String {
            guard !items.isEmpty else { return open + close }
            return "\(open)\n" + items.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)\(close)"
        }
        switch self {
        case .string(let string): return Self.quoted(string, escapes)
        case .array(let values): return block("[", values.map { $0.indented(by: inner, escapes) }, "]")
        case .object(let object):
            let lines = object.entries.map {
                "\(Self.quoted($0.key, escapes)): \($0.value.indented(by: inner, escapes))"
            }
            return block("{", lines, "}")
        default: return line
        }
    }
}

extension JSON {
    private static func write(_ string: String, to text: inout [UInt8], _ escapes: JSONEscapes) {
        var string = string
        text.append(UInt8(ascii: "\""))
        string.withUTF8 { bytes in
            var (run, position) = (0, 0)
            while position < bytes.count {
                guard let (code, length) = escaped(bytes, at: position, escapes) else {
                    position += 1
                    continue
                }
                text.append(contentsOf: bytes[run..<position])
                text.append(contentsOf: escape(code, escapes).utf8)
                position += length
                run = position
            }
            text.append(contentsOf: bytes[run...])
        }
        text.append(UInt8(ascii: "\""))
    }

    /// The code point at `position` and its bytes, where it may not stand as it is. The text holds whole characters.
    @inline(__always)
    private static func escaped(
        _ bytes: UnsafeBufferPointer<UInt8>, at position: Int, _ escapes: JSONEscapes
    ) -> (code: UInt32, length: Int)? {
        let byte = bytes[position]
        if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return (UInt32(byte), 1) }
        guard escapes == .invisible, byte >= 0x7F else { return nil }
        switch byte {
        case 0x7F: return (0x7F, 1)
        case 0xC2 where bytes[position + 1] < 0xA0: return (UInt32(bytes[position + 1]), 2)
        case 0xE2 where bytes[position + 1] == 0x80 && (0xA8...0xA9).contains(bytes[position + 2]):
            return (0x2000 + UInt32(bytes[position + 2]) - 0x80, 3)
        case 0xEF where bytes[position + 1] == 0xBB && bytes[position + 2] == 0xBF: return (0xFEFF, 3)
        default: return nil
        }
    }

    private static func escape(_ code: UInt32, _ escapes: JSONEscapes) -> String {
        switch code {
        case 0x22: return #"\""#
        case 0x5C: return #"\\"#
        case 0x09 where escapes != .codes: return #"\t"#
        case 0x0A where escapes != .codes: return #"\n"#
        case 0x0D where escapes != .codes: return #"\r"#
        case 0x08 where escapes == .short: return #"\b"#
        case 0x0C where escapes == .short: return #"\f"#
        default:
            let digits = String(code, radix: 16)
            return #"\u"# + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
