/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// `system`, `user` or `assistant`.
    public var role: String
    /// What was said.
    public var content: String

    /// A turn of `role`.
    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }
}
