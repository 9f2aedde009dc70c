import Foundation

/// A pre-tokenizer's regular expression that has no scanner of its own, run by `NSRegularExpression`.
///
/// The `tokenizers` library uses Oniguruma. Only constructs that mean the same in both are accepted; `\s` and `\S`, which
/// do not, are rewritten to the Unicode property that Oniguruma takes them for.
struct RegexPattern: Sendable, Equatable {
    private let expression: NSRegularExpression

    /// `nil` where the pattern does not compile or uses a construct whose meaning differs or is not known to be the same.
    init?(_ pattern: String) {
        guard let translated = Self.translate(pattern),
            let expression = try? NSRegularExpression(pattern: translated)
        else { return nil }
        self.expression = expression
    }

    /// Calls `body` with the byte range of each match in `text[start..<end]`, in order; empty matches are left out.
    func forEachMatch(in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, _ body: (Int, Int) -> Void) {
        let string = String(decoding: text[start..<end], as: UTF8.self)
        var utf16 = 0
        var utf8 = start
        /// Match offsets grow, so one pass over the bytes turns UTF-16 offsets into byte offsets.
        func byteOffset(_ target: Int) -> Int {
            while utf16 < target {
                let length = UTF8Reader.length(leading: text[utf8])
                utf16 += length == 4 ? 2 : 1
                utf8 += length
            }
            return utf8
        }
        let range = NSRange(location: 0, length: string.utf16.count)
        for match in expression.matches(in: string, range: range) where match.range.length > 0 {
            let lower = byteOffset(match.range.location)
            body(lower, byteOffset(match.range.location + match.range.length))
        }
    }

    static func == (left: RegexPattern, right: RegexPattern) -> Bool {
        left.expression.pattern == right.expression.pattern
    }

    private static let maximumLength = 4096

    private static func translate(_ pattern: String) -> String? {
        guard pattern.utf8.count <= maximumLength else { return nil }
        var result = ""
        var classDepth = 0
        var cost = BacktrackingCost()
        var rest = Substring(pattern)
        while let character = rest.unicodeScalars.popFirst() {
            if classDepth == 0, !cost.admits(character) { return nil }
            switch character {
            case "\\":
                guard let escape = rest.unicodeScalars.popFirst() else { return nil }
                switch escape {
                case "s": result += "\\p{White_Space}"
                case "S": result += "\\P{White_Space}"
                case "p", "P":
                    guard let close = rest.firstIndex(of: "}"), rest.first == "{" else { return nil }
                    let name = rest[rest.index(after: rest.startIndex)..<close]
                    guard generalCategories.contains(String(name)) else { return nil }
                    result += "\\\(escape){\(name)}"
                    rest = rest[rest.index(after: close)...]
                case "r", "n", "t": result += "\\\(escape)"
                default:
                    guard escape.isASCII, !escape.properties.isAlphabetic, !("0"..."9").contains(escape) else {
                        return nil
                    }
                    result += "\\\(escape)"
                }
            case "[":
                guard classDepth == 0 else { return nil }
                classDepth = 1
                result += "["
                if rest.first == "^" { result.unicodeScalars.append(rest.unicodeScalars.removeFirst()) }
            case "]":
                guard classDepth == 1 else { return nil }
                classDepth = 0
                result += "]"
            case "&" where classDepth > 0 && rest.first == "&", ".", "^", "$": return nil
            case "#" where classDepth > 0, "&" where classDepth > 0: result += "\\\(character)"
            case "(" where classDepth == 0 && rest.first == "?":
                guard ["?:", "?i:", "?!", "?="].contains(where: { rest.hasPrefix($0) }) else { return nil }
                result += "("
            default: result.unicodeScalars.append(character)
            }
        }
        return classDepth == 0 ? result : nil
    }

    private static let generalCategories: Set<String> = [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No",
        "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "Han",
    ]
}

/// Keeps out patterns that can take more than polynomial time, or a high power, on some text.
///
/// A group may be optional but not repeated, and no way through the pattern may have more than three repetitions.
private struct BacktrackingCost {
    private static let most = 3

    /// Repetitions so far on this way through the pattern.
    private var count = 0
    /// Of each open group, and of the pattern: the count at its start, and the greatest at the end of an alternative.
    private var open: [(start: Int, greatest: Int)] = [(0, 0)]
    private var previous: Unicode.Scalar?

    /// Takes the next sign outside of a character class; `false` where the pattern is to be refused.
    mutating func admits(_ sign: Unicode.Scalar) -> Bool {
        defer { previous = sign }
        switch sign {
        case "*", "+", "{":
            count += 1
            return previous != ")" && count <= Self.most
        case "(": open.append((count, count))
        case "|":
            open[open.count - 1].greatest = max(open[open.count - 1].greatest, count)
            count = open[open.count - 1].start
        case ")":
            guard open.count > 1, let group = open.popLast() else { return false }
            count = max(count, group.greatest)
        default: break
        }
        return true
    }
}
