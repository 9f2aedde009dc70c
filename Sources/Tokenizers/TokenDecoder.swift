/// Turns tokens back into text.
struct TokenDecoder: Sendable {
    private enum Step: Sendable {
        case byteLevel
        case byteFallback
        case fuse
        case replace([UInt8], with: [UInt8])
        case strip([UInt8], start: Int, stop: Int)
        case metaspace(PreTokenizer.Metaspace)
    }

    private var steps: [Step]?
    /// How many times as long replacements can make a token.
    private var growth = 1

    /// - Parameter node: `decoder` of a `tokenizer.json`; `nil` where it has none: tokens are then joined by spaces.
    init(_ node: LocatedJSON?) throws {
        guard let node else { return }
        steps = []
        try append(node)
    }

    private mutating func append(_ node: LocatedJSON) throws {
        let type = try node.required("type").string()
        switch type {
        case "Sequence":
            for child in try node.required("decoders").array() { try append(child) }
        case "ByteLevel": steps?.append(.byteLevel)
        case "ByteFallback": steps?.append(.byteFallback)
        case "Fuse": steps?.append(.fuse)
        case "Metaspace": steps?.append(.metaspace(try PreTokenizer.Metaspace(node)))
        case "Replace":
            let patternNode = try node.required("pattern")
            guard let literal = patternNode["String"] else {
                throw patternNode.unsupported("Replace with a regular expression")
            }
            let (pattern, content) = (
                Array(try literal.string().utf8), Array(try node.required("content").string().utf8)
            )
            growth *= Normalizer.growth(replacing: pattern, with: content)
            guard growth <= Normalizer.maximumGrowth else {
                throw node.unsupported("a decoder that makes text more than \(Normalizer.maximumGrowth) times as long")
            }
            steps?.append(.replace(pattern, with: content))
        case "Strip":
            steps?.append(
                .strip(
                    Array(try node.required("content").string().utf8),
                    start: try node.required("start").integer(in: 0...Int(Int32.max)),
                    stop: try node.required("stop").integer(in: 0...Int(Int32.max))))
        default:
            throw node.unsupported("decoder \(type)")
        }
    }

    /// Leaves a space at the start of a text where it is: the tokenizer puts none there.
    mutating func keepFirstSpace() {
        steps = steps?.map { step in
            switch step {
            case .strip([0x20], _, let stop): return .strip([0x20], start: 0, stop: stop)
            case .metaspace(var metaspace):
                metaspace.prepend = .never
                return .metaspace(metaspace)
            default: return step
            }
        }
    }

    /// Byte-level and nothing else: decoding is joining bytes.
    private var isByteLevelOnly: Bool {
        if case .byteLevel? = steps?.first { steps?.count == 1 } else { false }
    }

    /// The text of `tokens` (UTF-8); what is not valid UTF-8 in it becomes U+FFFD.
    func decode(_ tokens: [ArraySlice<UInt8>]) -> String {
        guard isByteLevelOnly else { return decodeStepwise(tokens.map { Array($0) }) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tokens.count * 5)
        for token in tokens where !ByteAlphabet.decode(token, into: &bytes) { bytes += token }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func decodeStepwise(_ tokens: [[UInt8]]) -> String {
        guard let steps else { return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self) }
        let result = steps.reduce(tokens) { Self.apply($1, to: $0) }
        return String(decoding: Array(result.joined()), as: UTF8.self)
    }

    private static func apply(_ step: Step, to tokens: [[UInt8]]) -> [[UInt8]] {
        switch step {
        case .byteLevel:
            let bytes = Array(tokens.map { ByteAlphabet.decode($0) ?? $0 }.joined())
            return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
        case .byteFallback: return joinBytes(tokens)
        case .fuse: return [Array(tokens.joined())]
        case .replace(let pattern, let content): return tokens.map { $0.replacing(pattern, with: content) }
        case .strip(let content, let start, let stop):
            return tokens.map { token in
                var token = token[...]
                var count = 0
                while count < start, !content.isEmpty, token.starts(with: content) {
                    token = token.dropFirst(content.count)
                    count += 1
                }
                count = 0
                while count < stop, !content.isEmpty, token.count >= content.count,
                    token.suffix(content.count).elementsEqual(content)
                {
                    token = token.dropLast(content.count)
                    count += 1
                }
                return Array(token)
            }
        case .metaspace(let metaspace):
            return tokens.enumerated().map { index, token in
                token.replacing(metaspace.replacement, with: index == 0 && metaspace.prepend != .never ? [] : [0x20])
            }
        }
    }

    /// Runs of tokens like `<0x0A>` become the characters they spell, or U+FFFD each where they spell none.
    private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var pending: [UInt8] = []
        func flush() {
            if !pending.isEmpty {
                let isValid = String(validating: pending, as: UTF8.self) != nil
                result.append(isValid ? pending : Array(repeatElement("\u{FFFD}", count: pending.count).joined().utf8))
            }
            pending = []
        }
        for token in tokens {
            if token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">"),
                let byte = UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
            {
                pending.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }
}
