import JSON

/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// `system`, `user` or `assistant`.
    public var role: String
    /// What was said.
    public var content: String
    /// Whether this is known to be all of it. An answer that ends a prompt is continued otherwise.
    public var isFinished = false

    /// A turn of `role`.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }

    /// Whether role and content are the same code points.
    public static func == (left: Self, right: Self) -> Bool {
        left.role.hasSameBytes(as: right.role) && left.content.hasSameBytes(as: right.content)
    }
}
