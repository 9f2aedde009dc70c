import Configuration

/// What ends a response before its full length.
package enum StopToken: Sendable, Hashable {
    /// The run's end-of-sequence token.
    case eos
    /// Nothing.
    case none
    /// The token with this text.
    case token(String)
}

extension StopToken: ConfigurationValue {
    package static var kind: String { "eos, none, or the text of a token" }

    package init?(_ node: ConfigurationNode) {
        guard let text = String(node), !text.isEmpty else { return nil }
        self = text == "eos" ? .eos : text == "none" ? .none : .token(text)
    }

    package var node: ConfigurationNode {
        switch self {
        case .eos: "eos".node
        case .none: "none".node
        case .token(let text): text.node
        }
    }
}
