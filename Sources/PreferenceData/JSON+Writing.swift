extension JSON {
    /// The value on one line, with `", "` and `": "` between parts as Python's `json` writes it, and text as UTF-8.
    public var line: String {
        var text: [UInt8] = []
        write(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The value over several lines, two spaces a level, as files of settings are written.
    package var indented: String { indented(by: "") }

    private func indented(by indent: String) -> String {
        let inner = indent + "  "
        func block(_ open: String, _ items: [String], _ close: String) -> String {
            guard !items.isEmpty else { return open + close }
            return "\(open)\n" + items.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)\(close)"
        }
        switch self {
        case .array(let values): return block("[", values.map { $0.indented(by: inner) }, "]")
        case .object(let object):
            let lines = object.entries.map { "\(JSON.string($0.key).line): \($0.value.indented(by: inner))" }
            return block("{", lines, "}")
        default: return line
        }
    }

    func write(to text: inout [UInt8]) {
        switch self {
        case .null: text.append(contentsOf: "null".utf8)
        case .bool(let value): text.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let digits): text.append(contentsOf: digits.utf8)
        case .string(let string): Self.write(string, to: &text)
        case .array(let values):
            text.append(UInt8(ascii: "["))
            for (place, value) in values.enumerated() {
                if place > 0 { text.append(contentsOf: ", ".utf8) }
                value.write(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let object):
            text.append(UInt8(ascii: "{"))
            for (place, entry) in object.entries.enumerated() {
                if place > 0 { text.append(contentsOf: ", ".utf8) }
                Self.write(entry.key, to: &text)
                text.append(contentsOf: ": ".utf8)
                entry.value.write(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ string: String, to text: inout [UInt8]) {
        var string = string
        text.append(UInt8(ascii: "\""))
        string.withUTF8 { bytes in
            var run = 0
            for (place, byte) in bytes.enumerated() {
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                text.append(contentsOf: bytes[run..<place])
                text.append(contentsOf: escape(byte).utf8)
                run = place + 1
            }
            text.append(contentsOf: bytes[run...])
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "\""): return #"\""#
        case UInt8(ascii: "\\"): return #"\\"#
        case 0x08: return #"\b"#
        case 0x09: return #"\t"#
        case 0x0A: return #"\n"#
        case 0x0C: return #"\f"#
        case 0x0D: return #"\r"#
        default:
            let digits = String(byte, radix: 16)
            return #"\u00"# + (digits.count < 2 ? "0" : "") + digits
        }
    }
}
