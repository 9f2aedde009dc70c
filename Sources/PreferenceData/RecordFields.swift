import JSON
import Tokenizers

/// Why a JSON object is not a record of the kind asked for.
struct RecordError: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

extension JSONObject {
    /// The field `key` as text or messages; it must be there.
    func content(_ key: String) throws(RecordError) -> Content {
        switch self[key] {
        case nil: throw RecordError("no field '\(key)'; it has \(keyList)\(wayToPrompt(key))")
        case .string(let text)?: return .text(text)
        case .array(let items)?:
            guard !items.isEmpty else { throw RecordError("'\(key)' is an empty list") }
            var messages: [ChatMessage] = []
            for (index, item) in items.enumerated() { messages.append(try item.message("'\(key)'[\(index)]")) }
            return .messages(messages)
        case .object(let object)? where object["not_text"]?.text != nil:
            // As rows of Parquet have values that JSON has no form for.
            throw RecordError("'\(key)' holds \(object["not_text"]?.text ?? "something"), which is no text")
        case .object?:
            throw RecordError("'\(key)' is an object, not a string or a list of messages; put brackets around it")
        case let other?: throw RecordError("'\(key)' is \(other.kind), not a string or a list of messages")
        }
    }

    /// What to do where the prompt has another name.
    private func wayToPrompt(_ key: String) -> String {
        let likely = likelyPrompts
        return key == "prompt" && !likely.isEmpty ? "; " + Self.renaming(likely) : ""
    }

    /// What to do where a conversation that ends in an answer has another name than `messages`.
    var wayOutOfConversation: String? {
        guard let entry = entries.first(where: { $0.value.endsInAnswer }) else { return nil }
        return "; '\(entry.key)' looks like a conversation: rename it to 'messages', with 'role' (system, user or "
            + "assistant) and 'content' in each of its turns"
    }

    /// What to do where the object is not a record but holds a list of them.
    var wayOutOfList: String? {
        guard entries.count == 1, case .array(let items)? = entries.first?.value, case .object(let item)? = items.first,
            !item.has("role"), !item.has("from")
        else { return nil }
        return " alone, a list: write each of its elements on a line of its own (jq -c '.\(keys[0])[]')"
    }

    /// How columns become the prompt.
    static func renaming(_ columns: [String]) -> String {
        let list = columns.map { "'\($0)'" }.joined(separator: ", ")
        return columns.count == 1
            ? "\(list) looks like the prompt, which is read from 'prompt' alone: rename the column to 'prompt'"
            : "\(list) look like the prompt, which is read from 'prompt' alone: write them as one column 'prompt', a text "
                + "or a list of messages"
    }

    /// Whether `key` is there and not null.
    func has(_ key: String) -> Bool {
        switch self[key] {
        case nil, .null?: false
        default: true
        }
    }

    /// The keys, for a message to the user.
    var keyList: String {
        keys.isEmpty ? "no fields at all" : keys.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
    }
}

extension JSON {
    /// Whether it is a list of turns, of which the last is an answer.
    fileprivate var endsInAnswer: Bool {
        guard case .array(let items) = self, items.count > 1, case .object(let turn)? = items.last else { return false }
        let role = (turn["role"] ?? turn["from"])?.text ?? ""
        return ["assistant", "gpt", "chatgpt", "bot", "model"].contains(role.lowercased())
    }

    fileprivate func message(_ location: String) throws(RecordError) -> ChatMessage {
        guard case .object(let object) = self else {
            throw RecordError("\(location) is \(kind), not an object with 'role' and 'content'")
        }
        try object.checkMessageKeys(location)
        guard let role = object["role"]?.text else {
            let hint =
                object.has("from")
                ? "; rename 'from' to 'role', 'value' to 'content', and its roles to system, user and assistant" : ""
            throw RecordError("\(location) has no 'role' that is a string\(hint)")
        }
        var others = object
        (others["role"], others["content"]) = (nil, nil)
        switch object["content"] {
        case .string(let text)?: return ChatMessage(role: role, content: text, fields: others)
        case .array(let parts)?:
            var text = ""
            for part in parts {
                guard case .object(let part) = part, part["type"]?.text == "text", let piece = part["text"]?.text else {
                    throw RecordError("\(location) has a part that is not text")
                }
                text += piece
            }
            others["content"] = .array(parts)
            return ChatMessage(role: role, content: text, fields: others)
        case .null?, nil:
            guard object.has("tool_calls") else {
                throw RecordError(
                    "\(location) has no 'content' that is a string\(object["content"] == nil ? "" : "; it is null")")
            }
            others["content"] = .null
            return ChatMessage(role: role, content: "", fields: others)
        default: throw RecordError("\(location) has no 'content' that is a string")
        }
    }
}
