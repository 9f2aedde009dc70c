/// `str.format`: fields in braces, with positions, names, attributes and format specifications.
struct JinjaFormatter {
    private let interpreter: JinjaInterpreter
    private let positional: [JinjaValue]
    private let keywords: JinjaMapping
    /// Whether values are escaped, as markup takes them in.
    private let escapes: Bool
    /// How many fields without a number there were; `nil` once there was one with a number.
    private var next: Int? = 0
    private var isNumbered = false

    init(_ interpreter: JinjaInterpreter, _ positional: [JinjaValue], _ keywords: JinjaMapping, escapes: Bool) {
        self.interpreter = interpreter
        self.positional = positional
        self.keywords = keywords
        self.escapes = escapes
    }

    mutating func format(_ text: String, depth: Int = 0) throws(JinjaError) -> String {
        guard depth < 2 else { throw .evaluation("the fields of a format nest too deep") }
        var result = String.UnicodeScalarView()
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "{":
                if scalars.first == "{" {
                    scalars.removeFirst()
                    result.append("{")
                } else {
                    try result.append(contentsOf: field(&scalars, depth).unicodeScalars)
                    try interpreter.spend(bytes: result.count)
                }
            case "}":
                guard scalars.popFirst() == "}" else { throw .evaluation("a format has a single '}'") }
                result.append("}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// What stands for a field whose `{` is passed.
    private mutating func field(_ scalars: inout ArraySlice<Unicode.Scalar>, _ depth: Int) throws(JinjaError) -> String
    {
        var name = String.UnicodeScalarView()
        var conversion: Unicode.Scalar?
        var isInBrackets = false
        while let scalar = scalars.first, isInBrackets || scalar != "}" && scalar != ":" && scalar != "!" {
            guard scalar != "{" else { throw .evaluation("a format has a '{' in a field's name") }
            if scalar == "[" { isInBrackets = true }
            if scalar == "]" { isInBrackets = false }
            name.append(scalar)
            scalars.removeFirst()
        }
        if scalars.first == "!" {
            scalars.removeFirst()
            conversion = scalars.popFirst()
            guard scalars.first == ":" || scalars.first == "}" else {
                throw .evaluation("a format's conversion does not end")
            }
        }
        var specification = String.UnicodeScalarView()
        if scalars.first == ":" {
            scalars.removeFirst()
            var open = 0
            while let scalar = scalars.first, open > 0 || scalar != "}" {
                if scalar == "{" { open += 1 }
                if scalar == "}" { open -= 1 }
                specification.append(scalar)
                scalars.removeFirst()
            }
        }
        guard scalars.popFirst() == "}" else { throw .evaluation("a format's field does not end") }
        let value = try value(String(name))
        let nested = try format(String(specification), depth: depth + 1)
        return try write(value, conversion, nested)
    }

    private mutating func value(_ name: String) throws(JinjaError) -> JinjaValue {
        var rest = Array(name.unicodeScalars)[...]
        func take(_ isEnd: (Unicode.Scalar) -> Bool) -> String {
            let part = rest.prefix { !isEnd($0) }
            rest = rest.dropFirst(part.count)
            return String(String.UnicodeScalarView(part))
        }
        let first = take { $0 == "." || $0 == "[" }
        var value = try self.first(first)
        while let scalar = rest.popFirst() {
            let undefined = JinjaUndefined("'\(name)'")
            if scalar == "." {
                let part = take { $0 == "." || $0 == "[" }
                guard !part.isEmpty else { throw .evaluation("a format has an empty attribute") }
                value = try interpreter.attribute(JinjaName(part), of: value, undefined)
            } else {
                guard scalar == "[" else { throw .evaluation("a format goes on behind ']'") }
                let part = take { $0 == "]" }
                guard rest.popFirst() == "]", !part.isEmpty else {
                    throw .evaluation("a format has a '[' that does not end")
                }
                let number = part.isAll { ("0"..."9").contains($0) } ? try PythonNumber.integer(part) : nil
                value = try interpreter.item(number.map { .integer($0) } ?? .string(part), of: value, undefined)
            }
        }
        return value
    }

    private mutating func first(_ name: String) throws(JinjaError) -> JinjaValue {
        let position: Int
        if name.isEmpty {
            guard !isNumbered, let next else { throw .evaluation("a format has fields with and without numbers") }
            position = next
            self.next = next + 1
        } else if name.isAll({ ("0"..."9").contains($0) }), let number = try PythonNumber.integer(name) {
            guard next == 0 else { throw .evaluation("a format has fields with and without numbers") }
            isNumbered = true
            position = number
        } else {
            guard let value = keywords[JinjaName(name)] else {
                throw .evaluation("a format's field '\(name)' has no value")
            }
            return value
        }
        guard position < positional.count else { throw .evaluation("a format has more fields than values") }
        return positional[position]
    }

    private func write(
        _ value: JinjaValue, _ conversion: Unicode.Scalar?, _ specification: String
    ) throws(JinjaError) -> String {
        var value = value
        switch conversion {
        case nil: break
        case "s": value = .string(try interpreter.text(of: value))
        case "r": value = .string(try interpreter.representation(of: value))
        case "a": throw JinjaError(.unsupported, "the conversion '!a'")
        default: throw .evaluation("a format has the conversion 's' or 'r'")
        }
        let text = try interpreter.formatted(value, specification)
        return escapes ? interpreter.escaped(text, isMarkup: value.isMarkup) : text
    }
}

extension JinjaInterpreter {
    /// A value as Python's `format` writes it.
    func formatted(_ value: JinjaValue, _ specification: String) throws(JinjaError) -> String {
        if specification.isEmpty { return try text(of: value) }
        let format = try JinjaFormatSpecification(specification)
        try spend(bytes: format.width)
        switch value {
        case .string(var text), .markup(var text):
            guard format.type == nil || format.type == "s", format.alignment != .afterSign || format.fill == "0",
                format.sign.isEmpty, !format.isAlternate, format.grouping == nil
            else { throw .evaluation("'\(specification)' is no format of strings") }
            if let precision = format.precision, precision < text.scalarCount { text = text.scalars(0..<precision) }
            if format.alignment == .afterSign {
                var format = format
                format.alignment = .left
                return format.padded(text, isNumber: false)
            }
            return format.padded(text, isNumber: false)
        case .boolean, .integer:
            let integer = value.integer ?? 0
            if let type = format.type, "eEfFgG%".unicodeScalars.contains(type) {
                return try format.text(of: Double(integer))
            }
            return try format.text(of: integer)
        case .float(let number): return try format.text(of: number)
        default: throw refusal(value, otherwise: "a \(value.typeName) has no format '\(specification)'")
        }
    }

    /// `format % values`.
    func formatted(_ format: String, _ operand: JinjaValue, escapes: Bool = false) throws(JinjaError) -> String {
        var conversions = JinjaPercentFormat(self, operand, escapes: escapes)
        return try conversions.format(format)
    }
}
