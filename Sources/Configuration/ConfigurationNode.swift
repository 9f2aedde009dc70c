/// A YAML value with the place it was written; what options are read from and written to.
package struct ConfigurationNode: Sendable {
    package enum Content: Sendable {
        case null
        /// The text of a scalar. `isText` where it can only be text: it was quoted, or is a string to be written.
        case scalar(String, isText: Bool)
        case sequence([ConfigurationNode])
        case mapping([Entry])
    }

    package struct Entry: Sendable {
        package var key: String
        /// The place of the key; a value can come from elsewhere through an alias.
        package var origin: ConfigurationOrigin
        package var value: ConfigurationNode

        package init(key: String, origin: ConfigurationOrigin, value: ConfigurationNode) {
            (self.key, self.origin, self.value) = (key, origin, value)
        }
    }

    package var content: Content
    package var origin: ConfigurationOrigin

    package init(_ content: Content, origin: ConfigurationOrigin = .none) {
        self.content = content
        self.origin = origin
    }

    package var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// The entries of a mapping; none for an empty block (`ppo:` and nothing after it), `nil` for anything else.
    package var entries: [Entry]? {
        switch content {
        case .mapping(let entries): entries
        case .null: []
        default: nil
        }
    }

    package func value(of key: String) -> ConfigurationNode? {
        entries?.last { $0.key == key }?.value
    }

    /// What was found, in the words of an error message.
    package var found: String {
        switch content {
        case .null: "nothing (null)"
        case .scalar(let text, _): "'\(text)'"
        case .sequence: "a list"
        case .mapping: "a block of keys"
        }
    }
}
