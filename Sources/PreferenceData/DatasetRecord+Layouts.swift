extension PreferencePair {
    /// Prompt, chosen and rejected of a line in any layout of a pair.
    static func parts(of fields: JSONObject) throws(RecordError) -> (Content, Content, Content) {
        guard fields.has("chosen"), fields.has("rejected") else {
            throw RecordError("a pair needs 'chosen' and 'rejected'; it has \(fields.keyList)")
        }
        let chosen = try fields.content("chosen")
        let rejected = try fields.content("rejected")
        guard fields.has("prompt") else { return try shared(chosen, rejected) }
        let prompt = try fields.content("prompt")
        switch (prompt, chosen, rejected) {
        case (.text, .messages, .messages):
            // The prompt as text beside whole conversations: the conversations say more.
            return try shared(chosen, rejected)
        case (_, .text, .messages), (_, .messages, .text):
            throw RecordError("one of 'chosen' and 'rejected' is a string and the other a list of messages")
        default: return (prompt, chosen, rejected)
        }
    }

    /// Takes the common start of two responses as their prompt.
    private static func shared(_ chosen: Content, _ rejected: Content) throws(RecordError) -> (
        Content, Content, Content
    ) {
        switch (chosen, rejected) {
        case (.messages(let first), .messages(let second)):
            let count = zip(first, second).prefix { $0 == $1 }.count
            guard count > 0 else { throw RecordError("chosen and rejected share no leading message") }
            guard count < first.count, count < second.count else {
                throw RecordError("chosen and rejected are the same, or one ends where the other goes on")
            }
            return (
                .messages(Array(first[..<count])), .messages(Array(first[count...])),
                .messages(Array(second[count...]))
            )
        case (.text(let first), .text(let second)):
            let parts =
                Transcript.matches(first) && Transcript.matches(second)
                ? try Transcript.split(chosen: first, rejected: second) : try commonStart(first, second)
            return (.text(parts.prompt), .text(parts.chosen), .text(parts.rejected))
        default: throw RecordError("one of 'chosen' and 'rejected' is a string and the other a list of messages")
        }
    }

    /// Splits two texts behind the last word they share; a space before the next word goes with the responses, where
    /// tokenizers want it.
    private static func commonStart(_ first: String, _ second: String) throws(RecordError) -> (
        prompt: String, chosen: String, rejected: String
    ) {
        let (first, second) = (first.unicodeScalars, second.unicodeScalars)
        let shared = zip(first, second).prefix { $0 == $1 }.count
        guard shared < first.count || shared < second.count else {
            throw RecordError("chosen and rejected are the same text, and no 'prompt' tells where the responses start")
        }
        let end = first.index(first.startIndex, offsetBy: shared)
        var count = 0
        if let space = first[..<end].lastIndex(where: \.properties.isWhitespace) {
            count = first.distance(from: first.startIndex, to: space) + (first[space] == " " ? 0 : 1)
        }
        return (String(first.prefix(count)), String(first.dropFirst(count)), String(second.dropFirst(count)))
    }
}

extension PromptCompletion {
    /// Prompt and completion of a line in any layout that has a response to learn from.
    static func parts(of fields: JSONObject) throws(RecordError) -> (Content, Content) {
        if fields.has("completion") { return (try fields.content("prompt"), try fields.content("completion")) }
        if fields.has("chosen") {
            if fields.has("rejected") {
                let (prompt, chosen, _) = try PreferencePair.parts(of: fields)
                return (prompt, chosen)
            }
            return (try fields.content("prompt"), try fields.content("chosen"))
        }
        if fields.has("messages") {
            guard case .messages(let messages) = try fields.content("messages") else {
                throw RecordError("'messages' is a string, not a list of messages")
            }
            guard messages.count > 1, let last = messages.last, last.role == "assistant" else {
                throw RecordError("'messages' does not end in an answer of the role 'assistant'")
            }
            return (.messages(messages.dropLast()), .messages([last]))
        }
        if fields.has("text") {
            guard case .text(let text) = try fields.content("text") else { throw RecordError("'text' is not a string") }
            return (.text(""), .text(text))
        }
        throw RecordError(
            "needs 'prompt' and 'completion', 'messages', 'text', or 'chosen' and 'rejected'; it has \(fields.keyList)")
    }
}

extension Prompt {
    /// The prompt of a line in any layout that has one.
    static func prompt(of fields: JSONObject) throws(RecordError) -> Content {
        let prompt: Content
        if fields.has("chosen"), fields.has("rejected") {
            prompt = try PreferencePair.parts(of: fields).0
        } else if fields.has("prompt") {
            prompt = try fields.content("prompt")
        } else if fields.has("messages"), case .messages(let messages) = try fields.content("messages") {
            prompt = .messages(messages.last?.role == "assistant" ? messages.dropLast() : messages)
        } else {
            throw RecordError("needs 'prompt', 'messages', or 'chosen' and 'rejected'; it has \(fields.keyList)")
        }
        guard !prompt.isEmpty else { throw RecordError("the prompt is empty") }
        return prompt
    }
}
