extension JinjaInterpreter {
    /// As Python's `str` writes it.
    func text(of value: JinjaValue) throws(JinjaError) -> String {
        switch value {
        case .string(let text), .markup(let text): return text
        case .undefined: return ""
        case .integer(let value): return String(value)
        default:
            var text = ""
            try write(value, into: &text)
            return text
        }
    }

    /// As Python's `repr` writes it.
    func representation(of value: JinjaValue) throws(JinjaError) -> String {
        var text = ""
        try write(value, into: &text)
        return text
    }

    private func write(_ value: JinjaValue, into text: inout String, depth: Int = 0) throws(JinjaError) {
        try spend(bytes: text.utf8.count / 64)
        guard depth <= JinjaLimits.valueDepth else {
            throw JinjaError(.limit, "what is printed nests deeper than \(JinjaLimits.valueDepth) levels")
        }
        switch value {
        case .undefined: text += "Undefined"
        case .none: text += "None"
        case .boolean(let value): text += value ? "True" : "False"
        case .integer(let value): text += String(value)
        case .float(let value): text += PythonNumber.text(value)
        case .string(let string): text += PythonText.quoted(string)
        case .markup(let string): text += "Markup(\(PythonText.quoted(string)))"
        case .list(let list): try write(list.elements, into: &text, "[", "]", depth)
        case .tuple(let list):
            try write(list.elements, into: &text, "(", list.elements.count == 1 ? ",)" : ")", depth)
        case .mapping(let mapping): try write(zip(mapping.keys, mapping.values), into: &text, depth)
        case .object(let object as JinjaNamespace):
            text += "<Namespace "
            try write(object.attributes.map { (.string($0.name), $0.value) }, into: &text, depth)
            text += ">"
        case .object(let object as JinjaView):
            text += "dict_\(object.kind.rawValue)("
            try write(object.elements, into: &text, "[", "])", depth)
        case .object(let object as JinjaLoop):
            let length = try length(of: value) ?? 0
            text += "<LoopContext \(object.index + 1)/\(length)>"
        case .object(let object): text += object.text
        }
        try step(1)
        if text.utf8.count > 1 << 24 { try spend(bytes: text.utf8.count) }
    }

    private func write(
        _ elements: [JinjaValue], into text: inout String, _ open: String, _ close: String, _ depth: Int
    ) throws(JinjaError) {
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += ", " }
            try write(element, into: &text, depth: depth + 1)
        }
        text += close
    }

    private func write(
        _ entries: some Sequence<(JinjaValue, JinjaValue)>, into text: inout String, _ depth: Int
    ) throws(JinjaError) {
        text += "{"
        var isFirst = true
        for (key, value) in entries {
            if !isFirst { text += ", " }
            isFirst = false
            try write(key, into: &text, depth: depth + 1)
            text += ": "
            try write(value, into: &text, depth: depth + 1)
        }
        text += "}"
    }
}

/// How Python and markupsafe write strings.
enum PythonText {
    /// `repr` of a string: in single quotes, unless only double ones need no escape.
    static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar =
            text.utf8.contains(UInt8(ascii: "'")) && !text.utf8.contains(UInt8(ascii: "\"")) ? "\"" : "'"
        var result = String.UnicodeScalarView()
        result.append(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case quote, "\\":
                result.append("\\")
                result.append(scalar)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            case "\t": result.append(contentsOf: "\\t".unicodeScalars)
            default:
                if scalar.isASCII ? scalar.value >= 0x20 && scalar.value != 0x7F : scalar.isPythonPrintable {
                    result.append(scalar)
                } else {
                    result.append(contentsOf: escape(scalar).unicodeScalars)
                }
            }
        }
        result.append(quote)
        return String(result)
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
        return "\\\(letter)" + String(repeating: "0", count: width - digits.count) + digits
    }

    /// As markupsafe escapes a string.
    static func escapedHTML(_ text: String) -> String {
        guard text.utf8.contains(where: { "&<>'\"".utf8.contains($0) }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&#39;"
            case "\"": result += "&#34;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
