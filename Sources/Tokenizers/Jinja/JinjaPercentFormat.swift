/// Python's `%` on strings.
struct JinjaPercentFormat {
    private let interpreter: JinjaInterpreter
    private let operand: JinjaValue
    private var values: [JinjaValue]
    private var taken = 0
    private let escapes: Bool

    init(_ interpreter: JinjaInterpreter, _ operand: JinjaValue, escapes: Bool) {
        self.interpreter = interpreter
        self.operand = operand
        self.escapes = escapes
        values = if case .tuple(let list) = operand { list.elements } else { [operand] }
    }

    mutating func format(_ text: String) throws(JinjaError) -> String {
        var result = String.UnicodeScalarView()
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%" else {
                result.append(scalar)
                continue
            }
            try result.append(contentsOf: conversion(&scalars).unicodeScalars)
            try interpreter.spend(bytes: result.count)
        }
        var isMapping = false
        switch operand {
        case .mapping, .list, .undefined, .object(_ as JinjaRange): isMapping = true
        default: break
        }
        guard taken >= values.count || isMapping else { throw .evaluation("'%' got more values than the format takes") }
        return String(result)
    }

    private mutating func take() throws(JinjaError) -> JinjaValue {
        guard taken < values.count else { throw .evaluation("'%' got fewer values than the format takes") }
        taken += 1
        return values[taken - 1]
    }

    private mutating func conversion(_ scalars: inout ArraySlice<Unicode.Scalar>) throws(JinjaError) -> String {
        var format = JinjaFormatSpecification()
        var key: JinjaValue?
        if scalars.first == "(" {
            scalars.removeFirst()
            var (name, open) = (String.UnicodeScalarView(), 1)
            while let scalar = scalars.popFirst() {
                if scalar == "(" { open += 1 }
                if scalar == ")" { open -= 1 }
                if open == 0 { break }
                name.append(scalar)
            }
            guard open == 0, case .mapping(let mapping) = operand else {
                throw .evaluation("'%' with names takes a mapping")
            }
            guard let value = mapping[JinjaName(String(name))] else {
                throw .evaluation("'%' has no value for '\(String(name))'")
            }
            key = value
        }
        var zeros = false
        while let flag = scalars.first, "-+ 0#".unicodeScalars.contains(flag) {
            scalars.removeFirst()
            switch flag {
            case "-": format.alignment = .left
            case "+": format.sign = "+"
            case " ": if format.sign.isEmpty { format.sign = " " }
            case "0": zeros = true
            default: format.isAlternate = true
            }
        }
        if let width = try number(&scalars) {
            if width < 0 { format.alignment = .left }
            format.width = Int(clamping: width.magnitude)
        }
        if scalars.first == "." {
            scalars.removeFirst()
            format.precision = max(0, try number(&scalars) ?? 0)
        }
        while let length = scalars.first, "hlL".unicodeScalars.contains(length) { scalars.removeFirst() }
        guard let type = scalars.popFirst() else { throw .evaluation("a format ends behind '%'") }
        if type == "%" { return "%" }
        if format.alignment == nil { format.alignment = .right }
        try interpreter.spend(bytes: format.width)
        let value = if let key { key } else { try take() }
        return try write(value, type, &format, zeros)
    }

    private mutating func number(_ scalars: inout ArraySlice<Unicode.Scalar>) throws(JinjaError) -> Int? {
        if scalars.first == "*" {
            scalars.removeFirst()
            guard let number = try take().integer else { throw .evaluation("'*' takes an integer") }
            return number
        }
        let digits = scalars.prefix { ("0"..."9").contains($0) }
        scalars = scalars.dropFirst(digits.count)
        guard !digits.isEmpty else { return nil }
        guard let number = Int(String(String.UnicodeScalarView(digits))), number < 1 << 31 else {
            throw PythonNumber.pastRange
        }
        return number
    }

    private func write(
        _ value: JinjaValue, _ type: Unicode.Scalar, _ format: inout JinjaFormatSpecification, _ zeros: Bool
    ) throws(JinjaError) -> String {
        func fillZeros() {
            if zeros, format.alignment == .right { (format.fill, format.alignment) = ("0", .afterSign) }
        }
        switch type {
        case "s", "r":
            var text = type == "s" ? try interpreter.text(of: value) : try interpreter.representation(of: value)
            if escapes { text = interpreter.escaped(text, isMarkup: type == "s" && value.isMarkup) }
            if let precision = format.precision, precision < text.scalarCount { text = text.scalars(0..<precision) }
            return format.padded(text, isNumber: false)
        case "d", "i", "u", "x", "X", "o":
            fillZeros()
            var integer = value.integer
            if case .float(let number) = value, "diu".unicodeScalars.contains(type) {
                integer = Int(exactly: number.rounded(.towardZero))
            }
            guard let integer else { throw refuse(value, type) }
            format.type = "iu".unicodeScalars.contains(type) ? "d" : type
            // A precision is a least number of digits.
            guard let precision = format.precision else { return try format.text(of: integer) }
            try interpreter.spend(bytes: precision)
            var digits = format
            (digits.precision, digits.width, digits.sign) = (nil, 0, "")
            let text = try digits.text(of: integer)
            let bare = text.hasPrefix("-") ? String(text.dropFirst()) : text
            let long = bare.padded(to: precision, with: "0", left: true, right: false)
            return format.padded(long, sign: integer < 0 ? "-" : format.sign, isNumber: true)
        case "f", "F", "e", "E", "g", "G":
            fillZeros()
            guard let number = try interpreter.number(value) else { throw refuse(value, type) }
            format.type = type
            return try format.text(of: number)
        case "c":
            if let text = value.text, text.scalarCount == 1 { return format.padded(text, isNumber: false) }
            guard let scalar = value.integer.flatMap({ UInt32(exactly: $0) }).flatMap(Unicode.Scalar.init) else {
                throw refuse(value, type)
            }
            return format.padded(String(scalar), isNumber: false)
        case "a": throw JinjaError(.unsupported, "the conversion '%a'")
        default: throw .evaluation("'%' has no conversion '\(type)'")
        }
    }

    private func refuse(_ value: JinjaValue, _ type: Unicode.Scalar) -> JinjaError {
        interpreter.refusal(value, otherwise: "'%\(type)' takes a number, not a \(value.typeName)")
    }
}
