/// HTML or SVG. What is written in the source is taken as it is; text that is interpolated is escaped, so that nothing a model,
/// a file or a configuration says can become markup.
package struct Markup: Sendable, Equatable, ExpressibleByStringInterpolation {
    package private(set) var source: String

    package init() { source = "" }
    package init(stringLiteral source: String) { self.source = source }
    package init(stringInterpolation parts: StringInterpolation) { source = parts.source }

    /// Text, escaped.
    package init(text: String) { source = Self.escaped(text) }

    package var isEmpty: Bool { source.isEmpty }

    package static func += (left: inout Markup, right: Markup) { left.source += right.source }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        package init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(2 * literalCapacity) }

        package mutating func appendLiteral(_ literal: String) { source += literal }
        package mutating func appendInterpolation(_ text: String) { source += Markup.escaped(text) }
        package mutating func appendInterpolation(_ number: Int) { source += String(number) }
        package mutating func appendInterpolation(_ markup: Markup) { source += markup.source }
        package mutating func appendInterpolation(_ markup: Markup?) { source += markup?.source ?? "" }
        package mutating func appendInterpolation(_ parts: some Sequence<Markup>) {
            for part in parts { source += part.source }
        }
        /// A coordinate, to a tenth.
        package mutating func appendInterpolation(at coordinate: Double) { source += Markup.tenth(coordinate) }
    }

    /// A number to a tenth, which is a tenth of a pixel.
    static func tenth(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return "0" }
        let tenths = Int((value * 10).rounded())
        let (whole, rest) = abs(tenths).quotientAndRemainder(dividingBy: 10)
        return "\(tenths < 0 ? "-" : "")\(whole)\(rest == 0 ? "" : ".\(rest)")"
    }
}

// MARK: Escaping

extension Markup {
    /// Text as it stands between tags or in an attribute in double quotes.
    ///
    /// Characters that have no shape, or change the direction of what follows them, are shown by name: what a model has written is
    /// to be seen, and must not disarrange what stands beside it.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { replacement($0) != nil }) else { return text }
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count + 16)
        for scalar in text.unicodeScalars {
            if let replacement = replacement(scalar) {
                escaped += replacement
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func replacement(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0x26: "&amp;"
        case 0x3C: "&lt;"
        case 0x3E: "&gt;"
        case 0x22: "&quot;"
        case 0x27: "&#39;"
        case 0x09, 0x0A: nil
        // The pictures of the control characters.
        case 0x00...0x1F: String(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
        case 0x7F: "\u{2421}"
        case 0x80...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE0FFF:
            "[U+\(String(scalar.value, radix: 16, uppercase: true))]"
        default: scalar.isNoncharacter ? "\u{FFFD}" : nil
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isNoncharacter: Bool { (0xFDD0...0xFDEF).contains(value) || value & 0xFFFE == 0xFFFE }
}
