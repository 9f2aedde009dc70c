/// A value that one key of a configuration can hold.
package protocol ConfigurationValue: Sendable {
    /// What is expected, in the words of an error message and of the reference: "a number".
    static var kind: String { get }
    /// The words that it is one of; empty for what is not chosen among words.
    static var words: [String] { get }
    /// Reads the value, or returns `nil` where the node is something else.
    init?(_ node: ConfigurationNode)
    /// The value as it is written.
    var node: ConfigurationNode { get }
}

extension ConfigurationValue {
    package static var words: [String] { [] }
}

extension Double: ConfigurationValue {
    package static var kind: String { "a number" }

    package init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content, let value = Double(text), value.isFinite else { return nil }
        self = value
    }

    package var node: ConfigurationNode { ConfigurationNode(.scalar("\(self)", isText: false)) }
}

extension Int: ConfigurationValue {
    package static var kind: String { "an integer" }

    /// Also reads `1_000_000` and `1e6`.
    package init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content else { return nil }
        if let value = Int(text.replacing("_", with: "")) {
            self = value
        } else if let value = Double(text), abs(value) <= 0x1p53, let whole = Int(exactly: value) {
            self = whole
        } else {
            return nil
        }
    }

    package var node: ConfigurationNode { ConfigurationNode(.scalar("\(self)", isText: false)) }
}

extension Bool: ConfigurationValue {
    package static var kind: String { "true or false" }

    package init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, isText: false) = node.content else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": self = true
        case "false", "no", "off": self = false
        default: return nil
        }
    }

    package var node: ConfigurationNode { ConfigurationNode(.scalar("\(self)", isText: false)) }
}

extension String: ConfigurationValue {
    package static var kind: String { "text" }

    package init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content else { return nil }
        self = text
    }

    package var node: ConfigurationNode { ConfigurationNode(.scalar(self, isText: true)) }
}

extension Optional: ConfigurationValue where Wrapped: ConfigurationValue {
    package static var kind: String { "\(Wrapped.kind) or null" }
    package static var words: [String] { Wrapped.words }

    package init?(_ node: ConfigurationNode) {
        if node.isNull {
            self = .none
        } else if let value = Wrapped(node) {
            self = .some(value)
        } else {
            return nil
        }
    }

    package var node: ConfigurationNode { self?.node ?? ConfigurationNode(.null) }
}

extension Array: ConfigurationValue where Element: ConfigurationValue {
    package static var kind: String { "\(Element.kind), or a list of such" }
    package static var words: [String] { Element.words }

    /// One value stands for a list of one.
    package init?(_ node: ConfigurationNode) {
        guard case .sequence(let nodes) = node.content else {
            guard let element = Element(node) else { return nil }
            self = [element]
            return
        }
        let elements = nodes.compactMap { Element($0) }
        guard elements.count == nodes.count else { return nil }
        self = elements
    }

    package var node: ConfigurationNode { ConfigurationNode(.sequence(map(\.node))) }
}

/// An enumeration whose cases are the words that a key takes.
package protocol ConfigurationWord: ConfigurationValue, CaseIterable, RawRepresentable where RawValue == String {}

extension ConfigurationWord {
    package static var kind: String { "one of " + words.joined(separator: ", ") }
    package static var words: [String] { allCases.map(\.rawValue) }

    package init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content else { return nil }
        self.init(rawValue: text)
    }

    package var node: ConfigurationNode { ConfigurationNode(.scalar(rawValue, isText: true)) }
}
