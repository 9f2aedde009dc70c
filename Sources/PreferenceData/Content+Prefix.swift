import Tokenizers

extension Content {
    /// The same with a text in front of what was last asked, nothing between them: in messages of the last that is the user's, in a
    /// transcript behind its last `Human:`, else of the whole text.
    package func prefixed(by prefix: String) -> Content {
        guard !prefix.isEmpty else { return self }
        switch self {
        case .text(let text):
            let start = Self.lastQuestion(of: text)
            return .text(text[..<start] + prefix + text[start...])
        case .messages(var messages):
            guard let last = messages.lastIndex(where: { $0.role == "user" }) ?? messages.indices.last else {
                return self
            }
            messages[last].content = prefix + messages[last].content
            return .messages(messages)
        }
    }

    private static func lastQuestion(of text: String) -> String.Index {
        guard Transcript.matches(text) else { return text.startIndex }
        let marker = "Human:"
        guard let end = (text.lastRange(of: Transcript.human) ?? text.firstRange(of: marker))?.upperBound else {
            return text.startIndex
        }
        return text[end...].utf8.first == UInt8(ascii: " ") ? text.utf8.index(after: end) : end
    }
}

extension Prompt {
    /// The same prompt for a model that was taught to heed a prefix; the row's fields stay as they are.
    package func prefixed(by prefix: String) -> Prompt {
        var prompt = self
        prompt.prompt = self.prompt.prefixed(by: prefix)
        return prompt
    }
}
