import JSON
import Tokenizers

/// From prompts and responses to the text that is tokenized.
///
/// Lists of messages go through the chat template. Text is taken as it is, as TRL does, unless ``appliesToText`` asks
/// for the template there too: then an Anthropic transcript becomes its turns and any other text one turn of the
/// user. A prompt that ends in an answer is continued: the response is the rest of that answer, in the same turn.
public struct PromptRenderer: Sendable {
    /// The chat template; without one, messages are an error.
    public var template: (any ChatRenderer)?
    /// Whether text goes through the template as well.
    public var appliesToText: Bool
    /// Why there is no template, where the model brings one that cannot be used.
    public var templateError: (any Error)?
    /// What takes the template's place for a row that brings tools, where the model has another for such.
    public var toolTemplate: Result<any ChatRenderer, any Error>?

    /// Renders with `template`; by default text only, as it is.
    public init(
        template: (any ChatRenderer)? = nil, appliesToText: Bool = false, templateError: (any Error)? = nil
    ) {
        self.template = template
        self.appliesToText = appliesToText
        self.templateError = templateError
    }

    /// The same for a prompt whose row tells the template something; throws where no template writes the prompt.
    func told(_ variables: JSONObject, for prompt: Content) throws(RecordError) -> PromptRenderer {
        guard usesTemplate(prompt) else {
            let keys = variables.keys.map { "'\($0)'" }.joined(separator: ", ")
            throw RecordError(
                "it has \(keys) for a chat template, and a prompt that is text, which none writes; write it as a list of "
                    + "messages, or leave the column out, in a file or by dataset.columns")
        }
        var renderer = chosen(by: variables)
        renderer.template = renderer.template?.told(variables)
        return renderer
    }

    /// The same with the template for a row that tells it this.
    private func chosen(by variables: JSONObject) -> PromptRenderer {
        guard let tools = variables["tools"], !tools.isBlank else { return self }
        return withToolTemplate ?? self
    }

    /// Throws where a record needs a template and there is none.
    package func check(_ record: some DatasetRecord) throws {
        let renderer = chosen(by: record.templateVariables)
        if renderer.template == nil, usesTemplate(record.prompt) { throw renderer.missingTemplate }
    }

    /// The template that a record is written with.
    package func template(for record: some DatasetRecord) -> (any ChatRenderer)? {
        usesTemplate(record.prompt) ? chosen(by: record.templateVariables).template : nil
    }

    /// A text, and whether the tokenizer puts its special tokens around it; most templates write them themselves.
    struct Rendered: Equatable {
        var text: String
        var takesSpecialTokens: Bool
    }

    /// The prompt up to where the response starts.
    func render(_ prompt: Content) throws -> Rendered {
        guard usesTemplate(prompt) else { return Rendered(text: try plain(prompt), takesSpecialTokens: true) }
        let messages = conversation(prompt)
        guard let answer = messages.last, answer.isContinued else {
            return try templated(messages, addGenerationPrompt: true)
        }
        return try templated(messages.dropLast(), endingIn: answer)
    }

    /// The prompt's turns without what makes the model answer; `nil` where there is no template to render them, or where the last
    /// of them is continued.
    func renderConversation(_ prompt: Content) throws -> String? {
        guard usesTemplate(prompt), !continues(prompt) else { return nil }
        return try templated(conversation(prompt), addGenerationPrompt: false).text
    }

    /// Whether a response is the rest of an answer that the prompt ends in.
    func continues(_ prompt: Content) -> Bool { usesTemplate(prompt) && conversation(prompt).last?.isContinued == true }

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
        let messages = conversation(prompt)
        guard let begun = messages.last, begun.isContinued else {
            return try templated(messages + answer, addGenerationPrompt: false)
        }
        guard var whole = answer.first, whole.role == "assistant" else { throw RenderError.noContinuation }
        whole.content =
            if case (.text(let prompt), .text(let text)) = (prompt, response) {
                String((Transcript.lastTurn(of: prompt) + text).trimmed)
            } else {
                begun.content + whole.content
            }
        return try templated(messages.dropLast() + [whole] + answer.dropFirst(), addGenerationPrompt: false)
    }

    /// A conversation up to the end of an answer that goes on: what the template writes behind its turn is left off, as
    /// transformers does with `continue_final_message`.
    private func templated(_ messages: [ChatMessage], endingIn answer: ChatMessage) throws -> Rendered {
        // The space tells whether the template trims messages.
        let mark = "\u{E001}the answer goes on here\u{E001}"
        var marked = answer
        marked.content += mark + " "
        var rendered = try templated(messages + [marked], addGenerationPrompt: false)
        guard let found = rendered.text.lastRange(of: mark) else { throw RenderError.noContinuation }
        let isTrimmed = !rendered.text[found.upperBound...].hasBytes(" ")
        let front = rendered.text[..<found.lowerBound]
        rendered.text = String(isTrimmed ? front.trimmedAtEnd : front)
        return rendered
    }

    /// What the template writes behind an answer, its end-of-turn token included; empty without a template, and where that does
    /// not write answers, as text or as parts, without tools or with some.
    func textAfterAnswer() -> String {
        guard let template else { return "" }
        let answer = "0123456789"
        for template in [template, template.told(Self.someTool)] {
            for isOfParts in [false, true] {
                let messages = [("user", "?"), ("assistant", answer)].map { role, text in
                    var message = ChatMessage(role: role, content: text)
                    let part = JSONObject(uniqueKeysWithValues: [("type", .string("text")), ("text", .string(text))])
                    if isOfParts { message.fields["content"] = .array([.object(part)]) }
                    return message
                }
                let text = try? template.render(messages, addGenerationPrompt: false)
                if let text, let range = text.lastRange(of: answer) { return String(text[range.upperBound...]) }
            }
        }
        return ""
    }

    /// A tool as rows bring them.
    private static let someTool: JSONObject = {
        let parameters = JSONObject(uniqueKeysWithValues: [
            ("type", .string("object")), ("properties", .object(JSONObject())),
        ])
        let function = JSONObject(uniqueKeysWithValues: [
            ("name", .string("tool")), ("description", .string("")), ("parameters", .object(parameters)),
        ])
        let tool = JSONObject(uniqueKeysWithValues: [("type", .string("function")), ("function", .object(function))])
        return JSONObject(uniqueKeysWithValues: [("tools", .array([.object(tool)]))])
    }()

    /// The same with what takes the template's place for rows that bring tools; `nil` where nothing does.
    var withToolTemplate: PromptRenderer? {
        guard let toolTemplate else { return nil }
        var renderer = self
        renderer.toolTemplate = nil
        switch toolTemplate {
        case .success(let template): (renderer.template, renderer.templateError) = (template, nil)
        case .failure(let error): (renderer.template, renderer.templateError) = (nil, error)
        }
        return renderer
    }

    package func usesTemplate(_ prompt: Content) -> Bool {
        prompt.messages != nil || (appliesToText && !prompt.isEmpty)
    }

    private func plain(_ content: Content) throws -> String {
        guard case .text(let text) = content else { throw missingTemplate }
        return text
    }

    func templated(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> Rendered {
        guard let template else { throw missingTemplate }
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

    var missingTemplate: any Error { templateError ?? RenderError.noTemplate }
}

/// Why messages cannot be rendered.
enum RenderError: Error, CustomStringConvertible {
    /// There is nothing to render them with, whichever they are.
    case noTemplate
    /// The prompt ends in an answer, and what follows is none, or the template does not write it.
    case noContinuation
    /// The template marks other parts than the answers there are, of which not all are to be learned.
    case uncountedAnswers
    /// The template leaves out an answer to learn, or where it stands in the text is not known.
    case unwrittenAnswer(message: Int)

    var description: String {
        switch self {
        case .noTemplate:
            "it has a list of messages, but the model brings no chat template; name one in the configuration"
        case .noContinuation:
            "the prompt ends in an answer of the assistant, and the response does not continue it; let it begin with a "
                + "message of the role 'assistant'"
        case .unwrittenAnswer(let message):
            "where the chat template writes the answer of message \(message) is not known; mark it as \"train\": false, or give a "
                + "template with {% generation %} blocks"
        case .uncountedAnswers:
            "the chat template's {% generation %} blocks are not one for each answer, so that it is not known which are those "
                + "to learn; give a template with one for each, or without"
        }
    }
}

extension ChatMessage {
    /// Whether it is an answer that a response goes on with.
    fileprivate var isContinued: Bool { role == "assistant" && !isFinished }
}
