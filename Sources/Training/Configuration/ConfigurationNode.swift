/// A YAML value with the place it was written; what options are read from and written to.
struct ConfigurationNode: Sendable {
    enum Content: Sendable {
        case null
        /// The text of a scalar. `isText` where it can only be text: it was quoted, or is a string to be written.
        case scalar(String, isText: Bool)
        case sequence([ConfigurationNode])
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        /// The place of the key; a value can come from elsewhere through an alias.
        var origin: ConfigurationOrigin
        var value: ConfigurationNode
    }

    var content: Content
    var origin: ConfigurationOrigin

    init(_ content: Content, origin: ConfigurationOrigin = .none) {
        self.content = content
        self.origin = origin
    }

    var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// The entries of a mapping; none for an empty block (`ppo:` and nothing after it), `nil` for anything else.
    var entries: [Entry]? {
        switch content {
        case .mapping(let entries): entries
        case .null: []
        default: nil
        }
    }

    func value(of key: String) -> ConfigurationNode? {
        entries?.last { $0.key == key }?.value
    }

    /// What was found, in the words of an error message.
    var found: String {
        switch content {
        case .null: "nothing (null)"
        case .scalar(let text, _): "'\(text)'"
        case .sequence: "a list"
        case .mapping: "a block of keys"
        }
    }
}
