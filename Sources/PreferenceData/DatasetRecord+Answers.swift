import JSON
import Tokenizers

extension PromptCompletion {
    /// Prompt and completion of a line in any layout that has a response to learn from.
    ///
    /// - Parameter learnsAll: Whether an answer is read whatever its label.
    static func parts(
        of fields: JSONObject, learnsAll: Bool = false, _ remarks: inout [RecordRemark]
    ) throws(RecordError) -> (Content, Content) {
        try fields.checkColumns()
        if !learnsAll { try fields.checkLabel() }
        if !fields.has("completion"), fields.has("chosen"), fields.has("rejected") {
            let (prompt, chosen, _) = try PreferencePair.parts(of: fields, &remarks)
            return (prompt, chosen)
        }
        let (prompt, completion) = try explicitParts(of: fields, &remarks)
        try fields.checkContext(of: [prompt, completion], &remarks)
        if !prompt.isEmpty, completion.saysNothing { remarks.append(.emptyResponse) }
        return (prompt, completion)
    }

    private static func explicitParts(
        of fields: JSONObject, _ remarks: inout [RecordRemark]
    ) throws(RecordError) -> (Content, Content) {
        for key in ["completion", "chosen"] where fields.has(key) {
            let (prompt, completion) = (try fields.content("prompt"), try fields.content(key))
            switch (prompt, completion) {
            case (.text(let text), .text(let response)):
                guard let rest = response.withoutRepeated(text) else { break }
                remarks.append(.promptRepeated)
                return (prompt, .text(rest))
            case (.messages(let messages), .messages(let responses)) where responses.starts(with: messages):
                throw RecordError(
                    "'\(key)' repeats the messages of 'prompt'; leave 'prompt' out and rename '\(key)' to 'messages'")
            case (.text, .messages(let responses)) where responses.count > 1 && responses[0].role != "assistant":
                throw RecordError(
                    "'\(key)' is a conversation with its prompt; leave 'prompt' out and rename '\(key)' to 'messages'")
            default: break
            }
            return (prompt, completion)
        }
        if fields.has("messages") { return try conversation(of: fields, &remarks) }
        if fields.has("text") {
            guard case .text(let text) = try fields.content("text") else { throw RecordError("'text' is not a string") }
            if case .text(let prompt)? = try? fields.content("prompt"), !text.containsBytes(of: prompt) {
                remarks.append(.unread(column: "prompt"))
            }
            return (.text(""), .text(text))
        }
        for key in ["completion", "messages", "text", "chosen"] {
            guard case .null? = fields[key] else { continue }
            throw RecordError("'\(key)' is null, not a string or a list of messages")
        }
        throw RecordError(
            "needs 'prompt' and 'completion', 'messages', 'text', or 'chosen' and 'rejected'; it has \(fields.keyList)"
                + (fields.wayOutOfConversation ?? fields.wayOutOfList
                    ?? "; rename its columns to these, or name them in dataset.columns"))
    }

    private static func conversation(
        of fields: JSONObject, _ remarks: inout [RecordRemark]
    ) throws(RecordError) -> (Content, Content) {
        guard case .messages(let messages) = try fields.content("messages") else {
            throw RecordError("'messages' is a string, not a list of messages")
        }
        guard messages.count > 1, let last = messages.last, last.role == "assistant" else {
            if messages.last?.role == "assistant" {
                throw RecordError("'messages' is an answer alone; put the message before it that it answers")
            }
            let found = messages.last.map { ", but of '\($0.role)'" } ?? ""
            throw RecordError("'messages' does not end in an answer of the role 'assistant'\(found)")
        }
        if let fault = last.faultOfMarks { throw RecordError("the last of 'messages' \(fault)") }
        guard !last.isMarkedUnlearned else {
            throw RecordError("'messages' ends in an answer that is marked as not to be learnt; take such rows out")
        }
        let prompt = Content.messages(messages.dropLast().finished)
        if case .text(let text)? = try? fields.content("prompt"), !prompt.holds(text) {
            remarks.append(.unread(column: "prompt"))
        }
        return (prompt, .messages([last]))
    }
}

extension Prompt {
    /// The prompt of a line in any layout that has one.
    static func prompt(of fields: JSONObject, _ remarks: inout [RecordRemark]) throws(RecordError) -> Content {
        let prompt: Content
        if fields.has("chosen"), fields.has("rejected") {
            var ofPair: [RecordRemark] = []
            prompt = try PreferencePair.parts(of: fields, &ofPair).0
            remarks += ofPair.filter { $0 != .equalResponses && $0 != .emptyResponse }
        } else {
            try fields.checkColumns()
            if fields.has("prompt") {
                prompt = try fields.content("prompt")
            } else if fields.has("messages"), case .messages(let messages) = try fields.content("messages") {
                prompt = .messages(
                    messages.last?.role == "assistant" ? messages.dropLast().finished : messages)
            } else if case .null? = fields["prompt"] {
                throw RecordError("'prompt' is null, not a string or a list of messages")
            } else {
                let likely = fields.likelyPrompts
                throw RecordError(
                    "needs 'prompt', 'messages', or 'chosen' and 'rejected'; it has \(fields.keyList)"
                        + (fields.wayOutOfConversation ?? fields.wayOutOfList
                            ?? (likely.isEmpty ? "" : "; " + JSONObject.renaming(likely))))
            }
            try fields.checkContext(of: [prompt], &remarks)
        }
        guard !prompt.isEmpty else { throw RecordError("the prompt is empty") }
        return prompt
    }
}
