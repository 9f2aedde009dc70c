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
        case nil: throw RecordError("no field '\(key)'; it has \(keyList)")
        case .string(let text)?: return .text(text)
        case .array(let items)?:
            guard !items.isEmpty else { throw RecordError("'\(key)' is an empty list") }
            var messages: [ChatMessage] = []
            for (place, item) in items.enumerated() { messages.append(try item.message("'\(key)'[\(place)]")) }
            return .messages(messages)
        case let other?: throw RecordError("'\(key)' is \(other.kind), not a string or a list of messages")
        }
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
    fileprivate func message(_ place: String) throws(RecordError) -> ChatMessage {
        guard case .object(let object) = self else {
            throw RecordError("\(place) is \(kind), not an object with 'role' and 'content'")
        }
        guard let role = object["role"]?.text else { throw RecordError("\(place) has no 'role' that is a string") }
        switch object["content"] {
        case .string(let text)?: return ChatMessage(role: role, content: text)
        case .array(let parts)?:
            var text = ""
            for part in parts {
                guard case .object(let part) = part, part["type"]?.text == "text", let piece = part["text"]?.text else {
                    throw RecordError("\(place) has a part that is not text")
                }
                text += piece
            }
            return ChatMessage(role: role, content: text)
        default: throw RecordError("\(place) has no 'content' that is a string")
        }
    }
}
