import Tokenizers

/// From prompts and responses to the text that is tokenized.
///
/// Lists of messages go through the chat template. Text is taken as it is, as TRL does, unless ``appliesToText`` asks
/// for the template there too: then an Anthropic transcript becomes its turns and any other text one turn of the
/// user.
public struct PromptRenderer: Sendable {
    /// The chat template; without one, messages are an error.
    public var template: (any ChatRenderer)?
    /// Whether text goes through the template as well.
    public var appliesToText: Bool

    /// Renders with `template`; by default text only, as it is.
    public init(template: (any ChatRenderer)? = nil, appliesToText: Bool = false) {
        self.template = template
        self.appliesToText = appliesToText
    }

    /// A text, and whether the tokenizer puts its special tokens around it; most templates write them themselves.
    struct Rendered: Equatable {
        var text: String
        var takesSpecialTokens: Bool
    }

    /// The prompt up to where the response starts.
    func render(_ prompt: Content) throws -> Rendered {
        guard usesTemplate(prompt) else { return Rendered(text: try plain(prompt), takesSpecialTokens: true) }
        return try templated(conversation(prompt), addGenerationPrompt: true)
    }

    /// The prompt with a response behind it.
    func render(_ prompt: Content, _ response: Content) throws -> Rendered {
        guard usesTemplate(prompt) || response.messages != nil else {
            return Rendered(text: try plain(prompt) + plain(response), takesSpecialTokens: true)
        }
        let answer: [ChatMessage] =
            switch response {
            case .messages(let messages): messages
            case .text(let text):
                // The space behind "Assistant:" belongs to the transcript, not to what was said.
                [ChatMessage(role: "assistant", content: isTranscript(prompt) ? String(text.trimmed) : text)]
            }
        return try templated(conversation(prompt) + answer, addGenerationPrompt: false)
    }

    /// What the template writes behind an answer, its end-of-turn token included; empty without a template.
    func textAfterAnswer() throws -> String {
        guard let template else { return "" }
        let answer = "0123456789"
        let text = try template.render(
            [ChatMessage(role: "user", content: "?"), ChatMessage(role: "assistant", content: answer)],
            addGenerationPrompt: false)
        return text.lastRange(of: answer).map { String(text[$0.upperBound...]) } ?? ""
    }

    private func usesTemplate(_ prompt: Content) -> Bool {
        prompt.messages != nil || (appliesToText && !prompt.isEmpty)
    }

    private func plain(_ content: Content) throws -> String {
        guard case .text(let text) = content else { throw RenderError.noTemplate }
        return text
    }

    private func templated(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> Rendered {
        guard let template else { throw RenderError.noTemplate }
        return Rendered(
            text: try template.render(messages, addGenerationPrompt: addGenerationPrompt),
            takesSpecialTokens: template.takesSpecialTokens)
    }

    private func isTranscript(_ content: Content) -> Bool {
        if case .text(let text) = content { Transcript.matches(text) } else { false }
    }

    private func conversation(_ prompt: Content) -> [ChatMessage] {
        switch prompt {
        case .messages(let messages): messages
        case .text(let text) where Transcript.matches(text): Transcript.messages(of: text)
        case .text(let text): text.isEmpty ? [] : [ChatMessage(role: "user", content: text)]
        }
    }

    private enum RenderError: Error, CustomStringConvertible {
        case noTemplate

        var description: String {
            "it has a list of messages, but the model brings no chat template; name one in the configuration"
        }
    }
}
