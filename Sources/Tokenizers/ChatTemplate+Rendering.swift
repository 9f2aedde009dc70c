extension ChatTemplate {
    /// The text of a conversation.
    ///
    /// - Parameters:
    ///   - addGenerationPrompt: end with what makes the model answer as the assistant.
    ///   - specialTokens: the tokenizer's, for templates that write BOS and EOS.
    /// - Throws: `ChatTemplateError` for a conversation that the template has no form for.
    public func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool, specialTokens: SpecialTokens
    ) throws -> String {
        try check(messages)
        return switch family {
        case .chatML: chatML(messages, addGenerationPrompt)
        case .llama2: try llama2(messages, specialTokens)
        case .llama3: try llama3(messages, addGenerationPrompt, specialTokens)
        case .zephyr: try zephyr(messages, addGenerationPrompt, specialTokens)
        case .mistral: try mistral(messages, specialTokens)
        case .anthropic: try front(specialTokens) + anthropic(messages, addGenerationPrompt)
        case .plain: try front(specialTokens) + messages.map(\.content).joined()
        }
    }

    /// The ids of a conversation: special tokens in the rendered text become their ids.
    ///
    /// A template named `anthropic` or `plain`, which writes no special tokens, gets the tokenizer's BOS, if it adds one.
    ///
    /// - Throws: `ChatTemplateError`, also where the ids would begin with two BOS tokens.
    public func encode(
        _ messages: [ChatMessage], addGenerationPrompt: Bool, with tokenizer: Tokenizer
    ) throws -> [Int32] {
        let text = try render(
            messages, addGenerationPrompt: addGenerationPrompt, specialTokens: tokenizer.specialTokens)
        var ids = tokenizer.encode(text, addSpecialTokens: false)
        guard let bos = tokenizer.specialTokens.bos?.id else { return ids }
        if takesTokenizerBOS, tokenizer.addsBOS { ids.insert(bos, at: 0) }
        if ids.count > 1, ids[0] == bos, ids[1] == bos { throw ChatTemplateError.doubleBOS(template: name) }
        return ids
    }

    private func check(_ messages: [ChatMessage]) throws {
        guard !messages.isEmpty else { throw invalid("there are no messages") }
        for (index, message) in messages.enumerated() {
            guard ["system", "user", "assistant"].contains(message.role) else {
                throw invalid(
                    "message \(index + 1) has role \(message.role.debugDescription), expected system, user or assistant"
                )
            }
        }
    }

    private func invalid(_ reason: String) -> ChatTemplateError { .invalidMessages(reason, template: name) }

    private func bos(_ tokens: SpecialTokens) throws -> String {
        guard let token = tokens.bos else { throw ChatTemplateError.missingToken("bos_token", template: name) }
        return token.text
    }

    private func front(_ tokens: SpecialTokens) throws -> String { options.writesBOS ? try bos(tokens) : "" }

    private func eos(_ tokens: SpecialTokens) throws -> String {
        guard let token = tokens.eos else { throw ChatTemplateError.missingToken("eos_token", template: name) }
        return token.text
    }

    private func chatML(_ messages: [ChatMessage], _ addGenerationPrompt: Bool) -> String {
        var text = ""
        if let system = options.defaultSystem, messages.first?.role != "system" {
            text += "<|im_start|>system\n\(system)<|im_end|>\n"
        }
        for message in messages { text += "<|im_start|>\(message.role)\n\(message.content)<|im_end|>\n" }
        return addGenerationPrompt ? text + "<|im_start|>assistant\n" : text
    }

    private func llama3(
        _ messages: [ChatMessage], _ addGenerationPrompt: Bool, _ tokens: SpecialTokens
    ) throws -> String {
        var text = try bos(tokens)
        var messages = messages[...]
        if let header = options.systemHeader {
            let system = messages.first?.role == "system" ? messages.removeFirst().content.strippedLikePython : ""
            text += "<|start_header_id|>system<|end_header_id|>\n\n\(header)\(system)<|eot_id|>"
        }
        for message in messages {
            text +=
                "<|start_header_id|>\(message.role)<|end_header_id|>\n\n\(message.content.strippedLikePython)<|eot_id|>"
        }
        return addGenerationPrompt ? text + "<|start_header_id|>assistant<|end_header_id|>\n\n" : text
    }

    private func zephyr(
        _ messages: [ChatMessage], _ addGenerationPrompt: Bool, _ tokens: SpecialTokens
    ) throws -> String {
        let eos = try eos(tokens)
        let text = messages.map { "<|\($0.role)|>\n\($0.content)\(eos)\n" }.joined()
        return addGenerationPrompt ? text + "<|assistant|>\n" : text
    }

    /// A leading system message and the turns after it, which must alternate and begin with the user.
    private func turns(_ messages: [ChatMessage], allowsSystem: Bool) throws -> (String?, ArraySlice<ChatMessage>) {
        var turns = messages[...]
        var system: String?
        if allowsSystem, turns.first?.role == "system" { system = turns.removeFirst().content }
        for (index, message) in turns.enumerated() {
            guard message.role == (index.isMultiple(of: 2) ? "user" : "assistant") else {
                throw invalid(
                    "roles must alternate user/assistant"
                        + (allowsSystem ? " after an optional system message" : ", and there is no system role"))
            }
        }
        return (system, turns)
    }

    private func llama2(_ messages: [ChatMessage], _ tokens: SpecialTokens) throws -> String {
        let (bos, eos) = (try bos(tokens), try eos(tokens))
        let (system, turns) = try turns(messages, allowsSystem: true)
        var text = ""
        for (index, message) in turns.enumerated() {
            var content = message.content
            if index == 0, let system { content = "<<SYS>>\n\(system)\n<</SYS>>\n\n\(content)" }
            if options.strips { content = content.strippedLikePython }
            text += message.role == "user" ? "\(bos)[INST] \(content) [/INST]" : " \(content) \(eos)"
        }
        return text
    }

    private func mistral(_ messages: [ChatMessage], _ tokens: SpecialTokens) throws -> String {
        let eos = try eos(tokens)
        let (system, turns) = try turns(messages, allowsSystem: options.allowsSystem)
        var text = try bos(tokens)
        for (index, message) in turns.enumerated() {
            if message.role == "user" {
                let before = index == 0 ? system.map { "\($0)\n\n" } ?? "" : ""
                text += "\(options.userPrefix)[INST] \(before)\(message.content) [/INST]"
            } else {
                text += "\(options.assistantPrefix)\(message.content)\(eos)\(options.assistantSuffix)"
            }
        }
        return text
    }

    private func anthropic(_ messages: [ChatMessage], _ addGenerationPrompt: Bool) -> String {
        let text = messages.map { message in
            switch message.role {
            case "user": "\n\nHuman: \(message.content)"
            case "assistant": "\n\nAssistant: \(message.content)"
            default: message.content
            }
        }.joined()
        return addGenerationPrompt ? text + "\n\nAssistant:" : text
    }
}

extension String {
    /// Without the white space around it, as Python's `str.strip` and Jinja's `trim` understand white space.
    fileprivate var strippedLikePython: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        var scalars = unicodeScalars[...]
        while let first = scalars.first, isSpace(first) { scalars.removeFirst() }
        while let last = scalars.last, isSpace(last) { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }
}
