/// How one value is to be written: what stands behind the colon of Python's `{:>8.2f}`, or between `%` and its letter.
struct JinjaFormatSpecification {
    enum Alignment {
        case left, right, center, afterSign
    }

    var fill: Unicode.Scalar = " "
    var alignment: Alignment?
    /// What stands before a number that is not negative: nothing, `+` or a space.
    var sign = ""
    /// `#`: prefixes of numbers, and points without decimals.
    var isAlternate = false
    var width = 0
    var grouping: String?
    var precision: Int?
    var type: Unicode.Scalar?

    init() {}

    /// Reads Python's mini-language of format specifications.
    init(_ text: String) throws(JinjaError) {
        var scalars = Array(text.unicodeScalars)[...]
        func alignment(_ scalar: Unicode.Scalar?) -> Alignment? {
            switch scalar {
            case "<": .left
            case ">": .right
            case "^": .center
            case "=": .afterSign
            default: nil
            }
        }
        if scalars.count > 1, let found = alignment(scalars[scalars.startIndex + 1]) {
            fill = scalars[scalars.startIndex]
            self.alignment = found
            scalars.removeFirst(2)
        } else if let found = alignment(scalars.first) {
            self.alignment = found
            scalars.removeFirst()
        }
        if let first = scalars.first, "+- ".unicodeScalars.contains(first) {
            sign = first == "-" ? "" : String(first)
            scalars.removeFirst()
        }
        if scalars.first == "#" {
            isAlternate = true
            scalars.removeFirst()
        }
        if scalars.first == "0" {
            if self.alignment == nil { (fill, self.alignment) = ("0", .afterSign) }
            scalars.removeFirst()
        }
        width = try Self.number(&scalars) ?? 0
        if let first = scalars.first, first == "," || first == "_" {
            grouping = String(first)
            scalars.removeFirst()
        }
        if scalars.first == "." {
            scalars.removeFirst()
            guard let precision = try Self.number(&scalars) else { throw .evaluation("a format has no precision") }
            self.precision = precision
        }
        type = scalars.popFirst()
        guard scalars.isEmpty else { throw .evaluation("'\(text)' is no format") }
    }

    private static func number(_ scalars: inout ArraySlice<Unicode.Scalar>) throws(JinjaError) -> Int? {
        var digits = ""
        while let first = scalars.first, ("0"..."9").contains(first) {
            digits.unicodeScalars.append(first)
            scalars.removeFirst()
        }
        guard !digits.isEmpty else { return nil }
        guard let number = Int(digits) else { throw PythonNumber.pastRange }
        return number
    }

    /// A text filled up to the width.
    ///
    /// - Parameter sign: What stands before the digits of a number.
    func padded(_ text: String, sign: String = "", isNumber: Bool) -> String {
        let missing = width - sign.utf8.count - text.scalarCount
        guard missing > 0 else { return sign + text }
        let space = String(repeating: String(fill), count: missing)
        switch alignment ?? (isNumber ? .right : .left) {
        case .left: return sign + text + space
        case .right: return space + sign + text
        case .afterSign: return sign + space + text
        case .center:
            let before = String(repeating: String(fill), count: missing / 2)
            return before + sign + text + String(repeating: String(fill), count: missing - missing / 2)
        }
    }

    /// An integer in decimal, binary, octal or hexadecimal digits.
    func text(of value: Int) throws(JinjaError) -> String {
        guard precision == nil else { throw .evaluation("a format of integers has no precision") }
        let digits: String
        var prefix = ""
        switch type {
        case nil, "d", "n": digits = String(value.magnitude)
        case "b": (digits, prefix) = (String(value.magnitude, radix: 2), "0b")
        case "o": (digits, prefix) = (String(value.magnitude, radix: 8), "0o")
        case "x": (digits, prefix) = (String(value.magnitude, radix: 16), "0x")
        case "X": (digits, prefix) = (String(value.magnitude, radix: 16, uppercase: true), "0X")
        case "c":
            guard let scalar = UInt32(exactly: value).flatMap(Unicode.Scalar.init) else {
                throw .evaluation("\(value) is no character")
            }
            return padded(String(scalar), isNumber: true)
        case let type?: throw .evaluation("integers have no format '\(type)'")
        }
        return number(
            digits, "", isNegative: value < 0, prefix: isAlternate ? prefix : "",
            every: "dn".unicodeScalars.contains(type ?? "d") ? 3 : 4)
    }

    /// A float with decimals or an exponent.
    func text(of value: Double) throws(JinjaError) -> String {
        let magnitude = value.isNaN ? value : abs(value)
        var text: String
        switch type {
        case nil:
            if let precision {
                text = PythonNumber.formatted("g", magnitude, max(precision, 1))
                if value.isFinite, !text.contains("."), !text.contains("e") { text += ".0" }
            } else {
                text = PythonNumber.text(magnitude)
            }
        case "f", "F": text = PythonNumber.formatted("f", magnitude, precision ?? 6, alternate: isAlternate)
        case "e", "E": text = PythonNumber.formatted("e", magnitude, precision ?? 6, alternate: isAlternate)
        case "g", "G", "n":
            text = PythonNumber.formatted("g", magnitude, max(precision ?? 6, 1), alternate: isAlternate)
        case "%": text = PythonNumber.formatted("f", magnitude * 100, precision ?? 6) + "%"
        case let type?: throw .evaluation("floats have no format '\(type)'")
        }
        if let type, "EFG".unicodeScalars.contains(type) { text = text.uppercased() }
        let end = text.firstIndex { !$0.isNumber } ?? text.endIndex
        let isNegative = !value.isNaN && value.sign == .minus
        return number(String(text[..<end]), String(text[end...]), isNegative: isNegative, prefix: "", every: 3)
    }

    /// Digits with a sign before them, a prefix, and separators between groups.
    private func number(
        _ digits: String, _ rest: String, isNegative: Bool, prefix: String, every size: Int
    ) -> String {
        let sign = (isNegative ? "-" : self.sign) + prefix
        guard let grouping else { return padded(digits + rest, sign: sign, isNumber: true) }
        var digits = digits
        if fill == "0", alignment == .afterSign {
            // Zeros are grouped as well.
            while true {
                let longer = "0" + digits
                let count = longer.count + (longer.count - 1) / size + rest.count + sign.count
                guard count <= width else { break }
                digits = longer
            }
        }
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % size == 0 { grouped += grouping }
            grouped.append(digit)
        }
        return padded(grouped + rest, sign: sign, isNumber: true)
    }
}
