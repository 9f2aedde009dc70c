import JSON
import Tokenizers

/// A prompt or a response as it stands in a record: plain text, or a list of messages for a chat template.
public enum Content: Sendable, Equatable {
    /// Text that is tokenized as it is.
    case text(String)
    /// Turns of a conversation.
    case messages([ChatMessage])

    /// As JSON in the layout it was read from.
    public var json: JSON {
        switch self {
        case .text(let text): return .string(text)
        case .messages(let messages):
            return .array(messages.map { .object($0.json) })
        }
    }

    /// The turns, where this is a list of messages.
    var messages: [ChatMessage]? {
        if case .messages(let messages) = self { messages } else { nil }
    }

    /// Whether both are the same code points in the same layout.
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)): left.hasSameBytes(as: right)
        case (.messages(let left), .messages(let right)): left == right
        case (.text, .messages), (.messages, .text): false
        }
    }

    /// The same with other texts in place of this one, or of the last turn's.
    func replacing(by texts: (String) -> [String]) -> [Content] {
        switch self {
        case .text(let text): texts(text).map { .text($0) }
        case .messages(let messages):
            texts(messages.last?.content ?? "").map { text in
                var messages = messages
                if !messages.isEmpty { messages[messages.count - 1].content = text }
                return .messages(messages)
            }
        }
    }

    var isEmpty: Bool {
        switch self {
        case .text(let text): text.isEmpty
        case .messages(let messages): messages.isEmpty
        }
    }
}
