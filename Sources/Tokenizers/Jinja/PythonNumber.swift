import Foundation

/// Numbers as Python writes and computes them.
enum PythonNumber {
    /// `repr` of a float: the fewest digits that read back to it, with an exponent from 1e16 and below 1e-4.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let (digits, exponent) = shortest(abs(value))
        let sign = value.sign == .minus ? "-" : ""
        if exponent > 16 || exponent < -3 {
            let rest = digits.dropFirst()
            let power = exponent - 1
            let magnitude = abs(power) < 10 ? "0\(abs(power))" : "\(abs(power))"
            return "\(sign)\(digits.prefix(1))\(rest.isEmpty ? "" : "." + rest)e\(power < 0 ? "-" : "+")\(magnitude)"
        }
        if exponent <= 0 { return sign + "0." + String(repeating: "0", count: -exponent) + digits }
        if digits.count <= exponent {
            return sign + digits + String(repeating: "0", count: exponent - digits.count) + ".0"
        }
        return "\(sign)\(digits.prefix(exponent)).\(digits.dropFirst(exponent))"
    }

    /// The digits of a number, and the power of ten that a point before them has.
    private static func shortest(_ value: Double) -> (digits: String, exponent: Int) {
        guard value != 0 else { return ("0", 1) }
        let parts = "\(value)".split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = mantissa[0]
        let digits = whole + (mantissa.count > 1 ? mantissa[1] : "")
        let zeros = digits.prefix { $0 == "0" }.count
        let kept = digits.dropFirst(zeros)
        let end = kept.lastIndex { $0 != "0" }.map(kept.index(after:)) ?? kept.startIndex
        return (String(kept[..<end]), whole.count - zeros + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0))
    }

    /// Rounded to the next integer below.
    static func floorDivide(_ left: Int, _ right: Int) -> Int? {
        let (quotient, overflows) = left.dividedReportingOverflow(by: right)
        guard !overflows else { return nil }
        return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient
    }

    /// With the sign of the divisor.
    static func modulo(_ left: Int, _ right: Int) -> Int {
        guard right != -1 else { return 0 }
        let rest = left % right
        return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
    }

    static func modulo(_ left: Double, _ right: Double) -> Double {
        var rest = fmod(left, right)
        if rest != 0 {
            if (right < 0) != (rest < 0) { rest += right }
        } else {
            rest = copysign(0, right)
        }
        return rest
    }

    static func floorDivide(_ left: Double, _ right: Double) -> Double {
        let rest = fmod(left, right)
        var quotient = (left - rest) / right
        if rest != 0, (right < 0) != (rest < 0) { quotient -= 1 }
        guard quotient != 0 else { return copysign(0, left / right) }
        let floored = quotient.rounded(.down)
        return quotient - floored > 0.5 ? floored + 1 : floored
    }

    /// `nil` where the result is past 64 bits.
    static func power(_ base: Int, _ exponent: Int) -> Int? {
        if base == 0 || base == 1 { return exponent == 0 ? 1 : base }
        if base == -1 { return exponent & 1 == 0 ? 1 : -1 }
        guard exponent < 64 else { return nil }
        var result = 1
        for _ in 0..<exponent {
            let (product, overflows) = result.multipliedReportingOverflow(by: base)
            guard !overflows else { return nil }
            result = product
        }
        return result
    }

    /// - Throws: `JinjaError` where the result is no real number, or none that a float holds.
    static func power(_ base: Double, _ exponent: Double) throws(JinjaError) -> Double {
        guard base != 0 || exponent >= 0 else { throw .evaluation("0 has no negative power") }
        let result = pow(base, exponent)
        guard !result.isNaN || base.isNaN || exponent.isNaN else {
            throw JinjaError(.unsupported, "a power that is a complex number")
        }
        guard result.isFinite || !base.isFinite || !exponent.isFinite else { throw .evaluation("a power is too large") }
        return result
    }

    /// Rounded to a number of decimals, half to even where the number lies half way.
    static func rounded(_ value: Double, decimals: Int) -> Double {
        guard value.isFinite, decimals < 320 else { return value }
        if decimals < -310 { return copysign(0, value) }
        if decimals < 0 {
            let scale = pow(10, Double(-decimals))
            return (value / scale).rounded(.toNearestOrEven) * scale
        }
        return Double(fixed(value, decimals: decimals)) ?? value
    }

    /// With so many decimals, as C's `%.*f`.
    static func fixed(_ value: Double, decimals: Int) -> String { formatted("f", value, decimals) }

    /// As C's `%e`, `%f` or `%g` with a precision.
    static func formatted(_ conversion: Character, _ value: Double, _ precision: Int, alternate: Bool = false) -> String
    {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        return String(format: "%\(alternate ? "#" : "").\(min(max(precision, 0), 400))\(conversion)", value)
    }

    /// What Python's `int` reads: digits of any script with single underscores between them, a sign, white space around.
    ///
    /// - Throws: `JinjaError` where it is past 64 bits.
    static func integer(_ text: String, base: Int = 10) throws(JinjaError) -> Int? {
        var scalars = Array(text.stripped().unicodeScalars)[...]
        var isNegative = false
        if let sign = scalars.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            scalars.removeFirst()
        }
        var base = base
        if scalars.count > 1, scalars.first == "0" {
            let prefixes: [Unicode.Scalar: Int] = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2]
            if let prefixed = prefixes[scalars[scalars.startIndex + 1]], base == 0 || base == prefixed {
                base = prefixed
                scalars.removeFirst(2)
                if scalars.first == "_" { scalars.removeFirst() }
            } else if base == 0, scalars.contains(where: { $0 != "0" && $0 != "_" }) {
                return nil
            }
        }
        if base == 0 { base = 10 }
        var (value, wasDigit) = (0, false)
        for scalar in scalars {
            if scalar == "_", wasDigit {
                wasDigit = false
                continue
            }
            guard let digit = digit(scalar), digit < base else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: base)
            let (sum, overflowsToo) =
                isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            guard !overflows, !overflowsToo else { throw pastRange }
            (value, wasDigit) = (sum, true)
        }
        return wasDigit ? value : nil
    }

    static let pastRange = JinjaError(.limit, "an integer is past 64 bits")

    private static func digit(_ scalar: Unicode.Scalar) -> Int? {
        if scalar.isASCII { return Character(scalar).hexDigitValue ?? letterDigit(scalar) }
        return scalar.isPythonDecimal ? scalar.properties.numericValue.map { Int($0) } : nil
    }

    private static func letterDigit(_ scalar: Unicode.Scalar) -> Int? {
        let lower = scalar.value | 0x20
        return (0x67...0x7A).contains(lower) ? Int(lower) - 0x61 + 10 : nil
    }

    /// What Python's `float` reads.
    static func float(_ text: String) -> Double? {
        let stripped = text.stripped()
        let scalars = Array(stripped.unicodeScalars)
        switch stripped.lowercased().drop(while: { $0 == "+" || $0 == "-" }) {
        case "inf", "infinity": return scalars.first == "-" ? -.infinity : .infinity
        case "nan": return .nan
        default: break
        }
        var digits = ""
        for (index, scalar) in scalars.enumerated() {
            if scalar == "_" {
                guard index > 0, index + 1 < scalars.count, scalars[index - 1].isPythonDecimal,
                    scalars[index + 1].isPythonDecimal
                else { return nil }
            } else if let digit = scalar.isPythonDecimal ? scalar.properties.numericValue : nil {
                digits += "\(Int(digit))"
            } else if "+-.eE".unicodeScalars.contains(scalar) {
                digits.unicodeScalars.append(scalar)
            } else {
                return nil
            }
        }
        if digits.hasSuffix(".") { digits += "0" }
        return Double(digits.replacing(text: ".e", with: ".0e", limit: 1))
    }
}
