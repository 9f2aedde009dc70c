import JSON
import Tokenizers

// What layouts of records ask of texts and messages.

extension String {
    /// The rest of a response that begins with its prompt; `nil` where it does not, or where the prompt is so short that a
    /// response may begin with it by chance.
    func withoutRepeated(_ prompt: String) -> String? {
        guard prompt.utf8.count >= 12, utf8.count > prompt.utf8.count, hasBytes(prompt) else { return nil }
        return String(decoding: utf8.dropFirst(prompt.utf8.count), as: UTF8.self)
    }
}

extension Collection where Element == ChatMessage {
    /// Turns of a conversation that went on: an answer at the end is all that was said.
    var finished: [ChatMessage] {
        var messages = Array(self)
        if let last = messages.indices.last { messages[last].isFinished = true }
        return messages
    }
}

extension Content {
    /// Whether a text stands in it, but for the white space around that.
    func holds(_ text: String) -> Bool {
        let text = String(text.trimmed)
        return switch self {
        case .text(let whole): whole.containsBytes(of: text)
        case .messages(let messages): messages.contains { $0.content.containsBytes(of: text) }
        }
    }

    /// Whether there is no text in it.
    var saysNothing: Bool {
        switch self {
        case .text(let text): text.isEmpty
        case .messages(let messages): messages.allSatisfy { $0.content.isEmpty }
        }
    }
}
