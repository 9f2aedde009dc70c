extension StringProtocol where SubSequence == Substring {
    /// The first place of `pattern`, compared byte by byte: `\n` is found after `\r`, a letter before a combining mark.
    func firstRange(of pattern: String) -> Range<String.Index>? { range(of: pattern) { $0 } }

    /// Whether the code points of `text` stand somewhere in this one.
    package func containsBytes(of text: String) -> Bool { text.isEmpty || firstRange(of: text) != nil }

    /// The last place of `pattern`, compared byte by byte.
    package func lastRange(of pattern: String) -> Range<String.Index>? { range(of: pattern) { $0.reversed() } }

    /// The first of `order(starts)` where `pattern` stands.
    private func range<Starts: Sequence<Int>>(of pattern: String, _ order: (Range<Int>) -> Starts) -> Range<
        String.Index
    >? {
        let pattern = Array(pattern.utf8)
        let offset = utf8.withContiguousStorageIfAvailable { text -> Int? in
            guard let first = pattern.first, text.count >= pattern.count else { return nil }
            return order(0..<text.count - pattern.count + 1).first { start in
                text[start] == first && text[start..<start + pattern.count].elementsEqual(pattern)
            }
        }
        // Native strings are contiguous; `nil` at either level means that the pattern is not there.
        guard let found = offset ?? nil else { return nil }
        let start = utf8.index(startIndex, offsetBy: found)
        return start..<utf8.index(start, offsetBy: pattern.count)
    }

    /// Without white space at either end, which is told by code points: a mark that combines with a space stays.
    package var trimmed: SubSequence {
        self[...].trimmedAtEnd.trimmedAtStart
    }
}

extension Substring {
    /// Without white space at its end.
    var trimmedAtEnd: Substring {
        guard let last = unicodeScalars.lastIndex(where: { !$0.properties.isWhitespace }) else {
            return self[endIndex...]
        }
        return self[..<unicodeScalars.index(after: last)]
    }

    /// Without white space at its start.
    var trimmedAtStart: Substring { Substring(unicodeScalars.drop { $0.properties.isWhitespace }) }
}
