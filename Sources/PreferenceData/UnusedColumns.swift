import JSON
import Tokenizers

// Columns and keys that say something of a conversation which no stage renders. What is passed over in silence is a
// model trained on something else than its data says.

extension JSONObject {
    /// Throws for what a message says beside its role and content, where it would have to be rendered.
    func checkMessageKeys(_ location: String) throws(RecordError) {
        for entry in entries where !entry.value.isBlank {
            switch entry.key {
            case "role", "content": continue
            case "function_call":
                throw RecordError(
                    "\(location) has 'function_call', which no template renders; write it as 'tool_calls', or leave such "
                        + "conversations out")
            case "images", "image", "audio", "video", "videos":
                throw RecordError("\(location) has '\(entry.key)', and only text is read; take it out")
            default: continue
            }
        }
    }

    /// Throws for columns of calls, reasoning, images and sound, where they hold something.
    func checkColumns() throws(RecordError) {
        for entry in entries where !entry.value.isBlank {
            switch entry.key {
            case "functions", "tool_calls":
                throw RecordError(
                    "it has '\(entry.key)', which is not read; name functions under 'tools' and write calls into the turns that "
                        + "make them, or leave the column out to read the record without them")
            case "reasoning_content":
                throw RecordError(
                    "it has '\(entry.key)', which is not rendered; write it into the answer as the model shall write "
                        + "it, or leave the column out")
            case "images", "image", "videos", "video", "audios", "audio":
                throw RecordError(
                    "it has '\(entry.key)', and only text is read; leave the column out to read the record without it")
            default: continue
            }
        }
    }

    /// Throws where the record says that its answer is not one to learn from.
    func checkLabel() throws(RecordError) {
        for entry in entries where ["label", "kto_tag"].contains(entry.key) {
            let isFalse: Bool =
                switch entry.value {
                case .bool(let label): !label
                case .string(let text): text.lowercased() == "false"
                default: false
                }
            guard isFalse else { continue }
            throw RecordError(
                "'\(entry.key)' is false: its answer is not one to learn from; take such rows out, or give them to a "
                    + "kto stage")
        }
    }

    /// Looks at columns that may belong to the prompt beside one that was found: a system message or earlier turns must be
    /// in it, others are remarked on where they are not.
    func checkContext(of prompt: [Content], _ remarks: inout [RecordRemark]) throws(RecordError) {
        for entry in entries where !entry.value.isBlank {
            switch entry.key.lowercased() {
            case _ where entry.key.namesSystemMessage:
                guard entry.value.isText, !prompt.contains(where: { $0.holds(entry.value) }) else { continue }
                throw RecordError(
                    "'\(entry.key)' is not in the prompt; make it the first message of the conversation, of the role "
                        + "'system', or leave the column out")
            case "history":
                guard case .array = entry.value, !prompt.contains(where: { $0.holds(entry.value) }) else { continue }
                throw RecordError(
                    "'\(entry.key)' is not in the prompt; write its turns into 'prompt' as messages, or leave the "
                        + "column out")
            case "instruction", "instructions", "input", "context", "question", "query", "document", "documents",
                "passage":
                guard entry.value.isText, !prompt.contains(where: { $0.holds(entry.value) }) else { continue }
                // Such go to the chat template.
                guard entry.key != "documents" || !isTold(entry.value, beside: prompt) else { continue }
                remarks.append(.unread(column: entry.key))
            default: continue
            }
        }
    }

    private func isTold(_ documents: JSON, beside prompt: [Content]) -> Bool {
        documents.documentList != nil && prompt.first?.messages != nil
    }

    /// Remarks on columns of running text beside a prompt that no column names: any may be the prompt.
    func noteOtherTexts(beside prompt: Content, _ remarks: inout [RecordRemark]) {
        for entry in entries where !["chosen", "rejected"].contains(entry.key) {
            guard case .string(let text) = entry.value, text.trimmed.contains(where: \.isWhitespace) else { continue }
            let words = entry.key.columnWords
            guard !words.contains(where: { Self.labelWords.contains($0) }) || words.last == "text" else { continue }
            let remark = RecordRemark.unread(column: entry.key)
            if !prompt.holds(entry.value), !remarks.contains(remark) { remarks.append(remark) }
        }
    }

    /// The columns that look like the prompt of a record that names none.
    var likelyPrompts: [String] {
        entries.filter { entry in
            guard entry.value.isText, !entry.value.isBlank, !["chosen", "rejected"].contains(entry.key) else {
                return false
            }
            let words = entry.key.columnWords
            return words.contains { Self.promptWords.contains($0) } && !words.contains { Self.labelWords.contains($0) }
        }.map(\.key)
    }

    private static let promptWords: Set<String> = [
        "prompt", "prompts", "question", "questions", "query", "instruction", "instructions", "input", "inputs",
        "message", "messages", "conversation", "conversations", "dialogue", "dialog", "context", "history", "post",
        "problem", "article", "document", "documents", "passage", "user", "human", "request", "text", "body", "chat",
        "turns", "system", "story", "scenario", "situation", "utterance", "premise", "title",
    ]

    /// Words of columns that only describe.
    private static let labelWords: Set<String> = [
        "id", "ids", "uuid", "hash", "index", "idx", "source", "origin", "type", "kind", "category", "class", "label",
        "labels", "name", "model", "score", "scores", "rating", "ratings", "reward", "length", "len", "count", "num",
        "number", "tokens", "language", "lang", "date", "time", "timestamp", "url", "link", "dataset", "split",
        "license",
        "author", "level", "difficulty", "topic", "tags", "tag",
    ]
}

extension JSON {
    /// Whether it is a text, a list or an object.
    var isText: Bool {
        switch self {
        case .string, .array, .object: true
        case .null, .bool, .number: false
        }
    }
}

extension Content {
    /// Whether every text in `value` stands somewhere in this.
    fileprivate func holds(_ value: JSON) -> Bool {
        let texts =
            switch self {
            case .text(let text): [text]
            case .messages(let messages): messages.map(\.content)
            }
        return value.strings.allSatisfy { string in
            texts.contains { $0.containsBytes(of: String(string.trimmed)) }
        }
    }
}

extension JSON {
    /// The texts in it; of messages only their contents.
    fileprivate var strings: [String] {
        switch self {
        case .null, .bool, .number: []
        case .string(let text): [text]
        case .array(let items): items.flatMap(\.strings)
        case .object(let object):
            (object["content"] ?? object["value"]).map(\.strings) ?? object.entries.flatMap(\.value.strings)
        }
    }
}

extension String {
    /// Whether a column of this name holds a system message: `system`, `sys_prompt`, `systemMessage`.
    var namesSystemMessage: Bool {
        let name = columnWords.joined()
        guard let start = ["system", "sys"].first(where: name.hasPrefix) else { return false }
        return ["", "prompt", "message", "instruction", "instructions", "text", "content"]
            .contains(String(name.dropFirst(start.count)))
    }

    /// The words of a column's name, in lower case: `userPrompt_text` is user, prompt and text.
    fileprivate var columnWords: [String] {
        var words: [String] = [""]
        var wasLower = false
        for character in self {
            guard character.isLetter || character.isNumber else {
                words.append("")
                wasLower = false
                continue
            }
            if character.isUppercase, wasLower { words.append("") }
            words[words.count - 1] += character.lowercased()
            wasLower = character.isLowercase
        }
        return words
    }
}
