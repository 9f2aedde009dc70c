import Tokenizers

/// Conversations as one text with `\n\nHuman:` and `\n\nAssistant:` before the turns, as in Anthropic's HH-RLHF.
public enum Transcript {
    /// Starts a turn of the person.
    public static let human = "\n\nHuman:"
    /// Starts a turn of the assistant; a prompt ends with it.
    public static let assistant = "\n\nAssistant:"

    /// Whether `text` starts with a turn of the person and has one of the assistant.
    public static func matches(_ text: String) -> Bool {
        text.drop { $0.isWhitespace }.hasPrefix("Human:") && text.firstRange(of: assistant) != nil
    }

    /// Cuts both transcripts of a pair behind their last `\n\nAssistant:`.
    ///
    /// The prompt is that front part, which both must share, and the responses are the rest, leading space included.
    static func split(chosen: String, rejected: String) throws(RecordError) -> (
        prompt: String, chosen: String, rejected: String
    ) {
        let (prompt, first) = cut(chosen)
        let (other, second) = cut(rejected)
        guard prompt.utf8.elementsEqual(other.utf8) else {
            throw RecordError(
                "chosen and rejected differ before their last '\\n\\nAssistant:', so they share no prompt")
        }
        return (String(prompt), String(first), String(second))
    }

    /// The turns of a transcript, without the space around them; text before the first turn is a system message.
    ///
    /// A transcript that ends in `\n\nAssistant:` ends in a turn of the person: the assistant's is still to come.
    public static func messages(of text: String) -> [ChatMessage] {
        var messages: [ChatMessage] = []
        var role = "system"
        var rest = Substring(text)
        // A transcript may lack the line breaks before its first turn.
        if let start = rest.firstIndex(where: { !$0.isWhitespace }), rest[start...].hasPrefix("Human:") {
            role = "user"
            rest = rest[start...].dropFirst("Human:".count)
        }
        while true {
            let marker = nextMarker(in: rest)
            let content = rest[..<(marker?.range.lowerBound ?? rest.endIndex)].trimmed
            let isOpenEnd = marker == nil && role == "assistant"
            if !content.isEmpty || (role != "system" && !isOpenEnd) {
                messages.append(ChatMessage(role: role, content: String(content)))
            }
            guard let marker else { return messages }
            role = marker.role
            rest = rest[marker.range.upperBound...]
        }
    }

    /// Where the turns of the person begin that follow the first one; none where `text` does not start with one.
    static func laterTurns(of text: String) -> [String.Index] {
        var starts: [String.Index] = []
        var rest = text[...]
        while true {
            let body = rest.drop { $0.isWhitespace }
            guard body.hasPrefix("Human:"), let next = body.firstRange(of: human) else { return starts }
            starts.append(next.lowerBound)
            rest = body[next.lowerBound...]
        }
    }

    private static func cut(_ text: String) -> (Substring, Substring) {
        guard let last = text.lastRange(of: assistant) else { return ("", text[...]) }
        return (text[..<last.upperBound], text[last.upperBound...])
    }

    private static func nextMarker(in text: Substring) -> (range: Range<String.Index>, role: String)? {
        // Both begin with the same line break, so one pass finds whichever comes first.
        var rest = text
        while let start = rest.firstRange(of: "\n\n")?.lowerBound {
            rest = rest[start...]
            for (marker, role) in [(human, "user"), (assistant, "assistant")] where rest.utf8.starts(with: marker.utf8)
            {
                return (start..<rest.utf8.index(start, offsetBy: marker.utf8.count), role)
            }
            rest = rest[rest.utf8.index(after: start)...]
        }
        return nil
    }
}

extension StringProtocol {
    /// The first place of `pattern`, compared byte by byte: `\n` is found after `\r`, a letter before a combining mark.
    func firstRange(of pattern: String) -> Range<String.Index>? { range(of: pattern) { $0 } }

    /// The last place of `pattern`, compared byte by byte.
    func lastRange(of pattern: String) -> Range<String.Index>? { range(of: pattern) { $0.reversed() } }

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

    /// Without white space at either end.
    var trimmed: SubSequence {
        let front = drop { $0.isWhitespace }
        guard let last = front.lastIndex(where: { !$0.isWhitespace }) else { return front[front.endIndex...] }
        return front[...last]
    }
}
