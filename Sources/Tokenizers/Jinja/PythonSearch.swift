import Foundation

extension String {
    /// The byte where `other` first stands, or last, between two bytes. Takes time that grows with the range alone.
    func offset(of other: String, in range: Range<Int>, last: Bool = false) -> Int? {
        guard other.utf8.count <= range.count else { return nil }
        guard !other.isEmpty else { return last ? range.upperBound : range.lowerBound }
        var (text, other) = (self, other)
        return text.withUTF8 { text -> Int? in
            other.withUTF8 { other -> Int? in
                let text = UnsafeBufferPointer(rebasing: text[range])
                let found =
                    if other.count > Self.short {
                        Self.search(text, other, fromEnd: last)
                    } else if last {
                        Self.lastOffset(text, other)
                    } else {
                        Self.firstOffset(text, other)
                    }
                return found.map { range.lowerBound + $0 }
            }
        }
    }

    /// Up to so many bytes are compared at each place.
    private static let short = 32

    private static func firstOffset(_ text: UnsafeBufferPointer<UInt8>, _ sought: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = text.baseAddress, let start = sought.baseAddress else { return nil }
        var offset = 0
        let end = text.count - sought.count
        while offset <= end {
            guard let next = memchr(base + offset, Int32(start[0]), end - offset + 1) else { return nil }
            offset = UnsafeRawPointer(next) - UnsafeRawPointer(base)
            if memcmp(base + offset, start, sought.count) == 0 { return offset }
            offset += 1
        }
        return nil
    }

    private static func lastOffset(_ text: UnsafeBufferPointer<UInt8>, _ sought: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = text.baseAddress, let start = sought.baseAddress else { return nil }
        return stride(from: text.count - sought.count, through: 0, by: -1)
            .first { memcmp(base + $0, start, sought.count) == 0 }
    }

    /// By Knuth, Morris and Pratt, from the start or the end.
    private static func search(
        _ text: UnsafeBufferPointer<UInt8>, _ sought: UnsafeBufferPointer<UInt8>, fromEnd: Bool
    ) -> Int? {
        func pattern(_ index: Int) -> UInt8 { fromEnd ? sought[sought.count - 1 - index] : sought[index] }
        var fallbacks = [Int](repeating: 0, count: sought.count)
        var length = 0
        for index in 1..<sought.count {
            while length > 0, pattern(index) != pattern(length) { length = fallbacks[length - 1] }
            if pattern(index) == pattern(length) { length += 1 }
            fallbacks[index] = length
        }
        length = 0
        for index in text.indices {
            let byte = fromEnd ? text[text.count - 1 - index] : text[index]
            while length > 0, byte != pattern(length) { length = fallbacks[length - 1] }
            if byte == pattern(length) { length += 1 }
            if length == sought.count { return fromEnd ? text.count - 1 - index : index + 1 - length }
        }
        return nil
    }
}
