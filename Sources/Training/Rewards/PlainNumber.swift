import Foundation

/// A number in running text, written in one way: `1,234.50`, `$1234.5` and `1234.5.` at the end of a sentence are the same.
struct PlainNumber {
    /// Its digits: no separators, no zeros that say nothing, a minus unless it is 0.
    let text: String

    /// The last number of a text: digits with or without commas between thousands, a decimal point with digits behind, an exponent,
    /// and a minus that joins it to nothing before. `nil` where there is none.
    init?(lastOf text: String) {
        let bytes = Array(text.replacing("\u{2212}", with: "-").utf8)
        var last: Range<Int>?
        var offset = 0
        while offset < bytes.count {
            let end = Self.end(of: bytes, from: offset)
            if end > offset { last = offset..<end }
            offset = max(end, offset + 1)
        }
        guard let last else { return nil }
        let digits = Self.plain(bytes[last])
        self.text = digits != "0" && Self.hasMinus(bytes, before: last.lowerBound) ? "-\(digits)" : digits
    }

    /// Where the number ends that begins here; `start` where none does.
    private static func end(of bytes: [UInt8], from start: Int) -> Int {
        var end = digits(bytes, from: start)
        if end > start, end - start <= 3 {
            while end < bytes.count, bytes[end] == UInt8(ascii: ","), digits(bytes, from: end + 1) == end + 4 {
                end += 4
            }
        }
        let isJoined = end == start && start > 0 && isDigit(bytes[start - 1])
        if end < bytes.count, bytes[end] == UInt8(ascii: "."), !isJoined {
            let fraction = digits(bytes, from: end + 1)
            if fraction > end + 1 { end = fraction }
        }
        guard end > start, end < bytes.count, bytes[end] | 0x20 == UInt8(ascii: "e") else { return end }
        var exponent = end + 1
        if exponent < bytes.count, [UInt8(ascii: "-"), UInt8(ascii: "+")].contains(bytes[exponent]) { exponent += 1 }
        let after = digits(bytes, from: exponent)
        return after > exponent ? after : end
    }

    private static func digits(_ bytes: [UInt8], from start: Int) -> Int {
        var end = min(start, bytes.count)
        while end < bytes.count, isDigit(bytes[end]) { end += 1 }
        return end
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Whether a minus belongs to the number, a dollar sign between them or not: that of `3-4` and `x-1` is none of its own.
    private static func hasMinus(_ bytes: [UInt8], before start: Int) -> Bool {
        var place = start - 1
        if place >= 0, bytes[place] == UInt8(ascii: "$") { place -= 1 }
        guard place >= 0, bytes[place] == UInt8(ascii: "-") else { return false }
        guard place > 0 else { return true }
        let before = bytes[place - 1]
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(before | 0x20) || before >= 0x80
        return !isLetter && !isDigit(before) && before != UInt8(ascii: ")")
    }

    private static func plain(_ bytes: ArraySlice<UInt8>) -> String {
        var text = String(decoding: bytes.filter { $0 != UInt8(ascii: ",") }, as: UTF8.self)
        if text.lowercased().contains("e"),
            let value = Decimal(string: text, locale: Locale(identifier: "en_US_POSIX")),
            value.isFinite
        {
            text = "\(value)"
        }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let whole = parts[0].drop { $0 == "0" }
        let fraction = parts.count > 1 ? String(parts[1].reversed().drop { $0 == "0" }.reversed()) : ""
        return (whole.isEmpty ? "0" : String(whole)) + (fraction.isEmpty ? "" : ".\(fraction)")
    }
}
