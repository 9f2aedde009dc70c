/// The filter `tojson` as transformers has it: Python's `json.dumps`, which escapes nothing for HTML.
struct JinjaJSONWriter {
    private var isASCII = false
    private var indent: String?
    private var comma = ", "
    private var colon = ": "
    private var sortsKeys = false
    private var text = ""
    private let interpreter: JinjaInterpreter

    /// - Parameter arguments: `ensure_ascii`, `indent`, `separators` and `sort_keys`.
    init(_ arguments: inout JinjaArguments, _ interpreter: JinjaInterpreter) throws(JinjaError) {
        self.interpreter = interpreter
        isASCII = try arguments.take("ensure_ascii")?.isTrue ?? false
        let indent = try arguments.take("indent") ?? .none
        let separators = try arguments.take("separators") ?? .none
        sortsKeys = try arguments.take("sort_keys")?.isTrue ?? false
        try arguments.finish()
        if !indent.isNone {
            if let width = indent.integer {
                try interpreter.spend(bytes: max(width, 0))
                self.indent = String(repeating: " ", count: max(width, 0))
            } else if let text = indent.text {
                self.indent = text
            } else {
                throw .evaluation("'indent' is a \(indent.typeName), and no integer or string")
            }
            comma = ","
        }
        if !separators.isNone {
            let parts = try interpreter.elements(of: separators)
            guard parts.count == 2, let first = parts[0].text, let second = parts[1].text else {
                throw .evaluation("'separators' are two strings")
            }
            (comma, colon) = (first, second)
        }
    }

    /// - Throws: `JinjaError` for what JSON has not.
    mutating func json(_ value: JinjaValue) throws(JinjaError) -> String {
        try write(value, level: 0)
        return text
    }

    private mutating func write(_ value: JinjaValue, level: Int) throws(JinjaError) {
        switch value {
        case .none: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .float(let value): text += Self.number(value)
        case .string(let string), .markup(let string): write(string)
        case .list(let list), .tuple(let list):
            try write(list.elements, level, "[", "]") { writer, element throws(JinjaError) in
                try writer.write(element, level: level + 1)
            }
        case .mapping(let mapping):
            var entries = mapping.entries
            if sortsKeys {
                try interpreter.sort(&entries) { left, right throws(JinjaError) in
                    try interpreter.isLess(left.key, right.key)
                }
            }
            try write(entries, level, "{", "}") { writer, entry throws(JinjaError) in
                writer.write(try Self.key(entry.key))
                writer.text += writer.colon
                try writer.write(entry.value, level: level + 1)
            }
        case .object(let object as JinjaBigInteger): text += object.text
        case .undefined(let undefined): throw interpreter.missing(undefined)
        case .object: throw .evaluation("JSON has no \(value.typeName)")
        }
        try interpreter.step(1)
    }

    private mutating func write<Element>(
        _ elements: [Element], _ level: Int, _ open: String, _ close: String,
        _ write: (inout JinjaJSONWriter, Element) throws(JinjaError) -> Void
    ) throws(JinjaError) {
        guard !elements.isEmpty else {
            text += open + close
            return
        }
        let space = indent.map { "\n" + String(repeating: $0, count: level) }
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += comma }
            if let space { text += space + (indent ?? "") }
            try write(&self, element)
            try interpreter.spend(bytes: text.utf8.count / 64)
            if text.utf8.count > 1 << 24 { try interpreter.spend(bytes: text.utf8.count) }
        }
        if let space { text += space }
        text += close
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return PythonNumber.text(value)
    }

    private static func key(_ key: JinjaValue) throws(JinjaError) -> String {
        switch key {
        case .string(let text), .markup(let text): return text
        case .none: return "null"
        case .boolean(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .float(let value): return number(value)
        default: throw .evaluation("JSON has no keys that are a \(key.typeName)")
        }
    }

    private mutating func write(_ string: String) {
        text += "\""
        let escapes = string.utf8.contains { byte in
            byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || isASCII && byte >= 0x7F
        }
        if escapes {
            for scalar in string.unicodeScalars { write(scalar) }
        } else {
            text += string
        }
        text += "\""
    }

    private mutating func write(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        case "\u{8}": text += "\\b"
        case "\u{C}": text += "\\f"
        default:
            if scalar.value < 0x20 || isASCII && scalar.value >= 0x7F {
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}
