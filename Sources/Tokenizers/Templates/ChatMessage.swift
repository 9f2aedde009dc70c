import JSON

/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// `system`, `user`, `assistant`, `tool` or another that the template knows.
    public var role: String
    /// What was said; of a list of parts their texts behind each other.
    public var content: String
    /// What else the message says, such as `tool_calls` or `reasoning_content`; and `content` where that is no text.
    public var fields = JSONObject()
    /// Whether this is known to be all of it. An answer that ends a prompt is continued otherwise.
    public var isFinished = false

    /// A turn of `role`.
    public init(role: String, content: String, fields: JSONObject = JSONObject()) {
        self.role = role
        self.content = content
        self.fields = fields
    }

    /// The message as it is written.
    public var json: JSONObject {
        var object = JSONObject(uniqueKeysWithValues: [("role", .string(role)), ("content", .string(content))])
        for entry in fields.entries { object[entry.key] = entry.value }
        return object
    }

    /// The message as a template sees it: what was thought goes by each name that a template may have for it, as in transformers.
    var rendered: JSONObject {
        var object = json
        let thought = Self.thoughts.lazy.compactMap { key in self.fields[key] }.first { $0 != .null }
        guard let thought else { return object }
        object["thinking"] = object["thinking"] ?? thought
        object["reasoning_content"] = thought
        return object
    }

    /// The names of what was thought, the first of which counts.
    static let thoughts = ["reasoning_content", "thinking", "reasoning"]

    /// Whether both say the same, in the same code points.
    public static func == (left: Self, right: Self) -> Bool {
        left.role.hasSameBytes(as: right.role) && left.content.hasSameBytes(as: right.content)
            && left.fields == right.fields
    }
}
