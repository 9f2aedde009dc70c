import Foundation

/// Strings as Python sees them: sequences of code points, equal where those are.
extension String {
    /// Whether both are the same code points.
    @inline(__always)
    func isSameText(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        return withBytes { left in
            other.withBytes { right in
                guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return true }
                return memcmp(leftStart, rightStart, left.count) == 0
            }
        }
    }

    /// Its UTF-8. Unlike `withUTF8`, it needs no copy that may be changed.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        utf8.withContiguousStorageIfAvailable(body) ?? Array(utf8).withUnsafeBufferPointer(body)
    }

    /// A number of the length and the first bytes. Texts of different marks differ; short ones of the same are the same.
    var mark: UInt64 {
        withBytes { bytes in
            var mark = UInt64(min(bytes.count, 0xFF))
            for index in 0..<Self.markedBytes { mark = mark << 8 | (index < bytes.count ? UInt64(bytes[index]) : 0) }
            return mark
        }
    }

    /// The length up to which a mark says all.
    static let markedBytes = 7

    /// Whether it comes before, by code points: the order of UTF-8 is the same.
    func isBefore(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }

    /// The number of code points.
    var scalarCount: Int { isASCIIText ? utf8.count : unicodeScalars.count }

    /// Whether each byte is a character.
    var isASCIIText: Bool {
        withBytes { bytes in
            var seen: UInt8 = 0
            for byte in bytes { seen |= byte }
            return seen < 0x80
        }
    }

    /// Code points from and to a position, which are in its bounds.
    func scalars(_ range: Range<Int>) -> String {
        if isASCIIText {
            let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
            return String(self[start..<utf8.index(start, offsetBy: range.count)])
        }
        let start = unicodeScalars.index(unicodeScalars.startIndex, offsetBy: range.lowerBound)
        return String(unicodeScalars[start..<unicodeScalars.index(start, offsetBy: range.count)])
    }

    /// Each code point as a string.
    var characters: [String] { unicodeScalars.map { String($0) } }

    /// A part by bytes, which lie at ends of characters.
    func part(_ range: Range<Int>) -> String {
        let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
        return String(self[start..<utf8.index(start, offsetBy: range.count)])
    }

    func contains(text: String) -> Bool { offset(of: text, in: 0..<utf8.count) != nil }

    func starts(withText prefix: String) -> Bool { has(prefix) { _, _ in 0 } }

    func ends(withText suffix: String) -> Bool { has(suffix) { count, part in count - part } }

    /// Whether a part stands where its place is, by the bytes of both.
    @inline(__always)
    private func has(_ part: String, at place: (_ count: Int, _ part: Int) -> Int) -> Bool {
        withBytes { bytes in
            part.withBytes { part in
                guard part.count <= bytes.count else { return false }
                guard let start = bytes.baseAddress, let partStart = part.baseAddress else { return true }
                return memcmp(start + place(bytes.count, part.count), partStart, part.count) == 0
            }
        }
    }
}

/// On which sides a text is stripped.
struct PythonStripSides: OptionSet {
    let rawValue: Int
    static let left = PythonStripSides(rawValue: 1)
    static let right = PythonStripSides(rawValue: 2)
    static let both: PythonStripSides = [.left, .right]
}

extension String {
    /// Without white space, or these characters, at its ends.
    func stripped(_ sides: PythonStripSides = .both, of characters: String? = nil) -> String {
        guard let characters else { return stripped(sides) { $0.isPythonSpace } }
        if characters.utf8.count == 1 {
            let character = characters.unicodeScalars.first
            return stripped(sides) { $0 == character }
        }
        let set = Set(characters.unicodeScalars)
        return stripped(sides) { set.contains($0) }
    }

    @inline(__always)
    private func stripped(_ sides: PythonStripSides, where goes: (Unicode.Scalar) -> Bool) -> String {
        let scalars = unicodeScalars
        var (start, end) = (scalars.startIndex, scalars.endIndex)
        if sides.contains(.left) {
            while start < end, goes(scalars[start]) { start = scalars.index(after: start) }
        }
        if sides.contains(.right) {
            while start < end {
                let previous = scalars.index(before: end)
                guard goes(scalars[previous]) else { break }
                end = previous
            }
        }
        return start == scalars.startIndex && end == scalars.endIndex ? self : String(scalars[start..<end])
    }

    /// The words between white space, at most `limit` cuts from the left or the right.
    func words(limit: Int, fromRight: Bool) -> [String] {
        var words: [String] = []
        var rest = unicodeScalars[...]
        while true {
            if fromRight {
                while let last = rest.last, last.isPythonSpace { rest.removeLast() }
            } else {
                while let first = rest.first, first.isPythonSpace { rest.removeFirst() }
            }
            guard !rest.isEmpty else { break }
            if words.count == limit {
                words.append(String(rest))
                break
            }
            if fromRight {
                let start = rest.lastIndex { $0.isPythonSpace }.map(rest.index(after:)) ?? rest.startIndex
                words.append(String(rest[start...]))
                rest = rest[..<start]
            } else {
                let end = rest.firstIndex { $0.isPythonSpace } ?? rest.endIndex
                words.append(String(rest[..<end]))
                rest = rest[end...]
            }
        }
        return fromRight ? words.reversed() : words
    }

    /// The parts between separators, at most `limit` cuts from the left or the right.
    ///
    /// - Parameter separator: Not empty.
    func parts(between separator: String, limit: Int, fromRight: Bool) -> [String] {
        var parts: [String] = []
        let length = separator.utf8.count
        if fromRight {
            var end = utf8.count
            while parts.count < limit, let offset = offset(of: separator, in: 0..<end, last: true) {
                parts.append(part(offset + length..<end))
                end = offset
            }
            parts.append(part(0..<end))
            return parts.reversed()
        }
        var start = 0
        while parts.count < limit, let offset = offset(of: separator, in: start..<utf8.count) {
            parts.append(part(start..<offset))
            start = offset + length
        }
        parts.append(part(start..<utf8.count))
        return parts
    }

    /// The lines, without what ends them unless that is kept.
    func lines(keepingEnds: Bool) -> [String] {
        var lines: [String] = []
        let scalars = unicodeScalars
        var (start, index) = (scalars.startIndex, scalars.startIndex)
        while index < scalars.endIndex {
            guard scalars[index].isPythonLineBreak else {
                index = scalars.index(after: index)
                continue
            }
            let end = index
            let isReturn = scalars[index] == "\r"
            index = scalars.index(after: index)
            if isReturn, index < scalars.endIndex, scalars[index] == "\n" { index = scalars.index(after: index) }
            lines.append(String(scalars[start..<(keepingEnds ? index : end)]))
            start = index
        }
        if start < scalars.endIndex { lines.append(String(scalars[start...])) }
        return lines
    }

    /// With `old` replaced by `new`, at most `limit` times.
    func replacing(text old: String, with new: String, limit: Int) -> String {
        guard !old.isEmpty else {
            var result = String.UnicodeScalarView()
            var count = 0
            for scalar in unicodeScalars {
                if count < limit { result.append(contentsOf: new.unicodeScalars) }
                count += 1
                result.append(scalar)
            }
            if count < limit { result.append(contentsOf: new.unicodeScalars) }
            return String(result)
        }
        let parts = parts(between: old, limit: limit, fromRight: false)
        return parts.count == 1 ? self : parts.joined(separator: new)
    }

    /// How often a text stands in it, without overlap.
    func count(of text: String) -> Int {
        if text.isEmpty { return scalarCount + 1 }
        var (count, start) = (0, 0)
        while let offset = offset(of: text, in: start..<utf8.count) {
            count += 1
            start = offset + text.utf8.count
        }
        return count
    }

    /// Filled up to a width on one side or both.
    func padded(to width: Int, with fill: String = " ", left: Bool, right: Bool) -> String {
        let length = scalarCount
        guard width > length else { return self }
        let missing = width - length
        // Where both sides cannot be equal, Python gives the left more for an odd width.
        let before = left && right ? missing / 2 + (missing & width & 1) : left ? missing : 0
        return String(repeating: fill, count: before) + self + String(repeating: fill, count: missing - before)
    }
}
