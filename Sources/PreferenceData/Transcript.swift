import JSON
import Tokenizers

/// Conversations as one text with `\n\nHuman:` and `\n\nAssistant:` before the turns, as in Anthropic's HH-RLHF.
public enum Transcript {
    /// Starts a turn of the person.
    public static let human = "\n\nHuman:"
    /// Starts a turn of the assistant; a prompt ends with it.
    public static let assistant = "\n\nAssistant:"

    /// Whether `text` starts with a turn of the person and has one of the assistant.
    public static func matches(_ text: String) -> Bool {
        text[...].trimmedAtStart.hasBytes("Human:") && text.firstRange(of: assistant) != nil
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
        let body = rest.trimmedAtStart
        if body.hasBytes("Human:") {
            role = "user"
            rest = body[body.utf8.index(body.startIndex, offsetBy: "Human:".utf8.count)...]
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

    /// The text behind the last `\n\nAssistant:`; all of it where there is none.
    static func lastTurn(of text: String) -> Substring { cut(text).1 }

    /// Where the turns of the person begin that follow the first one; none where `text` does not start with one.
    static func laterTurns(of text: String) -> [String.Index] {
        var starts: [String.Index] = []
        var rest = text[...]
        while true {
            let body = rest.trimmedAtStart
            guard body.hasBytes("Human:"), let next = body.firstRange(of: human) else { return starts }
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
