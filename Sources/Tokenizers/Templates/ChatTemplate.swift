import JSON

/// How a conversation is written as text: the Jinja text that came with a model, or one of those that are known by name.
///
/// It renders what transformers' `apply_chat_template` renders: with the tokenizer's special tokens, `tools` and `documents`
/// that are none unless given, and every field of a message as it is.
public struct ChatTemplate: Sendable {
    /// What messages call it.
    public let name: String
    /// Its Jinja text.
    public let jinja: String
    /// Whether it writes no special tokens and its ids begin with the tokenizer's BOS, if that adds one.
    public let takesTokenizerBOS: Bool
    /// What it is told beside the conversation, such as `enable_thinking`.
    public var variables = JSONObject()
    /// What the row of the conversation tells it, which counts before that.
    public var rowVariables = JSONObject()
    /// What it writes as today's date; without one, a template that asks for it renders nothing.
    public var date: JinjaDate?
    /// What each conversation, and the tokenizer, tell it.
    public static let ownVariables = [
        "messages", "add_generation_prompt", "bos_token", "eos_token", "pad_token", "unk_token",
    ]
    private let template: JinjaTemplate
    /// Whether it reads contents that are lists of parts; others get the parts' texts, joined.
    private let takesParts: Bool
    /// Roles of whose messages the template does not write what they say as text.
    private let unwrittenRoles: Set<String>

    /// Reads a template.
    ///
    /// - Throws: `ChatTemplateError.unreadable` with line and column.
    public init(jinja: String, name: String = "in Jinja") throws(ChatTemplateError) {
        try self.init(jinja, name: name, takesTokenizerBOS: false)
    }

    init(_ jinja: String, name: String, takesTokenizerBOS: Bool) throws(ChatTemplateError) {
        do {
            template = try JinjaTemplate(jinja)
        } catch {
            throw .unreadable(error, template: name)
        }
        takesParts = Self.readsParts(template)
        unwrittenRoles = Self.rolesWithoutText(template)
        self.name = name
        self.jinja = jinja
        self.takesTokenizerBOS = takesTokenizerBOS
    }

    /// The text of a conversation.
    ///
    /// - Parameters:
    ///   - addGenerationPrompt: end with what makes the model answer as the assistant.
    ///   - specialTokens: the tokenizer's, for templates that write BOS and EOS.
    /// - Throws: `ChatTemplateError` for a conversation that the template has no form for.
    public func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool, specialTokens: SpecialTokens
    ) throws(ChatTemplateError) -> String {
        let values = try values(messages, addGenerationPrompt, specialTokens)
        do {
            return try template.render(values, date: date)
        } catch {
            throw failure(error, specialTokens)
        }
    }

    /// Whether `{% generation %}` blocks mark what the assistant writes.
    public var marksAnswers: Bool { template.hasGenerations }

    /// The text of a conversation, and by bytes of its UTF-8 what `{% generation %}` blocks hold.
    ///
    /// - Throws: As ``render(_:addGenerationPrompt:specialTokens:)``.
    public func renderMarked(
        _ messages: [ChatMessage], specialTokens: SpecialTokens
    ) throws(ChatTemplateError) -> (text: String, generations: [Range<Int>]) {
        let values = try values(messages, false, specialTokens)
        do {
            let rendering = try template.renderWithGenerations(values, date: date)
            return (rendering.text, rendering.generations)
        } catch {
            throw failure(error, specialTokens)
        }
    }

    /// What the template is told, as it takes it; throws for what it never writes.
    private func values(
        _ messages: [ChatMessage], _ addGenerationPrompt: Bool, _ specialTokens: SpecialTokens
    ) throws(ChatTemplateError) -> JinjaVariables {
        guard !messages.isEmpty else { throw .invalidMessages("there are no messages", template: name) }
        try checkFields(of: messages)
        try checkRowVariables()
        do {
            var values = template.noVariables
            values.set("messages", .list(try list(of: messages)))
            values.set("tools", .none)
            values.set("documents", .none)
            values.set("add_generation_prompt", .boolean(addGenerationPrompt))
            if let bos = specialTokens.bos { values.set("bos_token", .string(bos.text)) }
            if let eos = specialTokens.eos { values.set("eos_token", .string(eos.text)) }
            if let pad = specialTokens.pad { values.set("pad_token", .string(pad.text)) }
            if let unknown = specialTokens.unknown { values.set("unk_token", .string(unknown.text)) }
            for entry in variables.entries { values.set(entry.key, try JinjaValue(entry.value)) }
            for entry in rowVariables.entries { values.set(entry.key, try JinjaValue(entry.value)) }
            return values
        } catch {
            throw failure(error, specialTokens)
        }
    }

    /// The messages as the template sees them.
    private func list(of messages: [ChatMessage]) throws(JinjaError) -> JinjaList {
        let keys = try JinjaKeys([.string("role"), .string("content")])
        var values: [JinjaValue] = []
        values.reserveCapacity(messages.count)
        for message in messages {
            if message.fields.isEmpty {
                let fields: [JinjaValue] = [.string(message.role), .string(message.content)]
                values.append(.mapping(try JinjaMapping(keys, fields)))
            } else {
                let object = takesParts ? message.rendered : message.withJoinedParts
                values.append(.mapping(try JinjaMapping(object)))
            }
        }
        return try JinjaList(values)
    }

    /// The ids of a conversation: special tokens in the rendered text become their ids.
    ///
    /// - Throws: `ChatTemplateError`, also where the ids would begin with two BOS tokens.
    public func encode(
        _ messages: [ChatMessage], addGenerationPrompt: Bool, with tokenizer: Tokenizer
    ) throws(ChatTemplateError) -> [Int32] {
        let text = try render(
            messages, addGenerationPrompt: addGenerationPrompt, specialTokens: tokenizer.specialTokens)
        var ids = tokenizer.encode(text, addSpecialTokens: false)
        guard let bos = tokenizer.specialTokens.bos?.id else { return ids }
        if takesTokenizerBOS, tokenizer.addsBOS { ids.insert(bos, at: 0) }
        if ids.count > 1, ids[0] == bos, ids[1] == bos { throw .doubleBOS(template: name) }
        return ids
    }

    /// Throws for what a message says and the template never writes.
    private func checkFields(of messages: [ChatMessage]) throws(ChatTemplateError) {
        if !unwrittenRoles.isEmpty { try checkRoles(of: messages) }
        for index in messages.indices where !messages[index].fields.isEmpty {
            let message = messages[index]
            for key in ["tool_calls"] + ChatMessage.thoughts {
                let names = key == "tool_calls" ? [key] : ChatMessage.thoughts
                guard let value = message.fields[key], !value.isBlank, !names.contains(where: jinja.contains) else {
                    continue
                }
                throw .invalidMessages(
                    "message \(index + 1) has '\(key)', which it does not write; write that into 'content', or take it out",
                    template: name)
            }
        }
    }

    private func checkRoles(of messages: [ChatMessage]) throws(ChatTemplateError) {
        for message in messages
        where unwrittenRoles.contains(message.role) && message.fields["content"] == nil && !message.content.isEmpty {
            throw .invalidMessages(
                "it does not write the text of the role '\(message.role)'; "
                    + (takesParts
                        ? "write 'content' as a list of parts, [{\"type\": \"text\", \"text\": ...}]"
                        : "give another as chat_template"),
                template: name)
        }
    }

    /// The variables that it reads beside those of every conversation.
    public var variableNames: [String] { template.variableNames.filter { !Self.ownVariables.contains($0) } }

    /// Whether its text reads a variable.
    public func reads(_ name: String) -> Bool { template.reads(name) }

    /// Throws for what a row tells the template, and it never reads.
    private func checkRowVariables() throws(ChatTemplateError) {
        for entry in rowVariables.entries where !entry.value.isBlank && !reads(entry.key) {
            guard ["tools", "documents"].contains(entry.key) else {
                throw .invalidMessages(
                    "it reads no '\(entry.key)', which the row's chat_template_kwargs has; leave it out, in a file or as "
                        + "dataset.columns: {chat_template_kwargs: none}", template: name)
            }
            throw .invalidMessages(
                "it writes no '\(entry.key)'; leave that column out, in a file or as dataset.columns: {\(entry.key): none}",
                template: name)
        }
    }

    /// The roles whose text does not come out; none where the template refuses such a conversation.
    private static func rolesWithoutText(_ template: JinjaTemplate) -> Set<String> {
        let texts = [("user", "what was asked"), ("assistant", "what was answered")]
        guard let written = rendering(texts.map { ($0, .string($1)) }, by: template) else { return [] }
        return Set(texts.filter { !written.contains($0.1) }.map(\.0))
    }

    /// Whether a part's text comes out as it is.
    private static func readsParts(_ template: JinjaTemplate) -> Bool {
        let mark = "a part of what was said"
        let part = JSONObject(uniqueKeysWithValues: [("type", .string("text")), ("text", .string(mark))])
        let text = rendering([("user", .array([.object(part)]))], by: template)
        return text.map { $0.contains(mark) && !$0.contains("'\(mark)'") && !$0.contains("\"\(mark)\"") } ?? false
    }

    /// A conversation as a template renders it without anything else that it may ask for; `nil` where it refuses.
    private static func rendering(_ contents: [(role: String, JSON)], by template: JinjaTemplate) -> String? {
        let messages = contents.map { role, content in
            JSON.object(JSONObject(uniqueKeysWithValues: [("role", .string(role)), ("content", content)]))
        }
        let variables = JSONObject(uniqueKeysWithValues: [
            ("messages", .array(messages)), ("bos_token", .string("")), ("eos_token", .string("")),
        ])
        return try? template.render(variables, date: JinjaDate(year: 2000, month: 1, day: 1))
    }

    private func failure(_ error: JinjaError, _ tokens: SpecialTokens) -> ChatTemplateError {
        for (key, token) in [("bos_token", tokens.bos), ("eos_token", tokens.eos)]
        where token == nil && error.message.contains("\(key) is not defined") {
            return .missingToken(key, template: name)
        }
        return .invalidMessages("\(error)", template: name)
    }
}

extension ChatTemplate: Equatable {
    /// Whether both render the same.
    public static func == (left: Self, right: Self) -> Bool {
        left.jinja.hasSameBytes(as: right.jinja) && left.takesTokenizerBOS == right.takesTokenizerBOS
            && left.variables == right.variables && left.rowVariables == right.rowVariables && left.date == right.date
    }
}

extension ChatMessage {
    /// As ``json``, with the texts of parts behind each other in place of a list of them.
    fileprivate var withJoinedParts: JSONObject {
        var object = rendered
        if case .array? = fields["content"] { object["content"] = .string(content) }
        return object
    }
}
