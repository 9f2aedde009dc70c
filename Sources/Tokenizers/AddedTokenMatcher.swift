/// Finds added tokens in text: the leftmost first, of those at one place the longest.
struct AddedTokenMatcher: Sendable {
    private struct Node: Sendable {
        let byte: UInt8
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
        var token: Int32 = -1
    }

    private let tokens: [AddedToken]
    private var nodes: [Node] = []
    private var roots = [Int32](repeating: -1, count: 256)

    /// - Parameter tokens: with their texts as they are to be found (normalised where they ask for it).
    init(_ tokens: [(token: AddedToken, text: [UInt8])]) {
        self.tokens = tokens.map(\.token)
        for (index, entry) in tokens.enumerated() {
            guard let first = entry.text.first else { continue }
            if roots[Int(first)] < 0 {
                roots[Int(first)] = Int32(nodes.count)
                nodes.append(Node(byte: first))
            }
            var node = Int(roots[Int(first)])
            for byte in entry.text.dropFirst() { node = child(of: node, byte: byte) }
            if nodes[node].token < 0 { nodes[node].token = Int32(index) }
        }
    }

    var isEmpty: Bool { nodes.isEmpty }

    private mutating func child(of node: Int, byte: UInt8) -> Int {
        var child = Int(nodes[node].firstChild)
        while child >= 0, nodes[child].byte != byte { child = Int(nodes[child].nextSibling) }
        if child >= 0 { return child }
        nodes.append(Node(byte: byte, nextSibling: nodes[node].firstChild))
        nodes[node].firstChild = Int32(nodes.count - 1)
        return nodes.count - 1
    }

    /// Calls `body` with what `text` consists of, in order: stretches without a token (`id` nil) and tokens.
    func split(_ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>, _ id: Int32?) -> Void) {
        var done = 0
        var index = 0
        while index < text.count {
            guard roots[Int(text[index])] >= 0, let (token, end) = longestMatch(in: text, at: index) else {
                index += 1
                continue
            }
            defer { index = end }
            if token.isSingleWord,
                (index > 0 && text.lastScalar(before: index).isWordCharacter)
                    || (end < text.count && text.firstScalar(from: end).isWordCharacter)
            {
                continue
            }
            var range = index..<end
            if token.stripsLeft { range = max(text.startOfSpace(before: index), done)..<end }
            if token.stripsRight { range = range.lowerBound..<text.endOfSpace(from: end) }
            if done < range.lowerBound { body(done..<range.lowerBound, nil) }
            body(range, token.id)
            done = range.upperBound
        }
        if done < text.count { body(done..<text.count, nil) }
    }

    private func longestMatch(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> (AddedToken, end: Int)? {
        var node = Int(roots[Int(text[start])])
        var index = start + 1
        var best: (AddedToken, end: Int)?
        while true {
            if nodes[node].token >= 0 { best = (tokens[Int(nodes[node].token)], index) }
            guard index < text.count else { return best }
            var child = Int(nodes[node].firstChild)
            while child >= 0, nodes[child].byte != text[index] { child = Int(nodes[child].nextSibling) }
            guard child >= 0 else { return best }
            node = child
            index += 1
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func firstScalar(from index: Int) -> Unicode.Scalar {
        Unicode.Scalar(UTF8Reader(self).scalar(at: index).value) ?? "\u{FFFD}"
    }

    fileprivate func lastScalar(before index: Int) -> Unicode.Scalar {
        firstScalar(from: startOfCharacter(before: index))
    }

    private func startOfCharacter(before index: Int) -> Int {
        var start = index - 1
        while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    fileprivate func startOfSpace(before index: Int) -> Int {
        var start = index
        while start > 0, lastScalar(before: start).properties.isWhitespace { start = startOfCharacter(before: start) }
        return start
    }

    fileprivate func endOfSpace(from index: Int) -> Int {
        UTF8Reader(self).endOfRun(.space, from: index, to: count)
    }
}

extension Unicode.Scalar {
    /// `\w` of Unicode's recommendations for regular expressions.
    fileprivate var isWordCharacter: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
        default: properties.isAlphabetic || properties.isJoinControl
        }
    }
}
