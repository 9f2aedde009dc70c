/// A value that one key of a configuration can hold.
protocol ConfigurationValue: Sendable {
    /// What is expected, in the words of an error message and of the reference: "a number".
    static var kind: String { get }
    /// Reads the value, or returns `nil` where the node is something else.
    init?(_ node: ConfigurationNode)
    /// The value as it is written.
    var node: ConfigurationNode { get }
}

extension Double: ConfigurationValue {
    static var kind: String { "a number" }

    init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content, let value = Double(text), value.isFinite else { return nil }
        self = value
    }

    var node: ConfigurationNode { ConfigurationNode(.scalar("\(self)", isText: false)) }
}

extension Int: ConfigurationValue {
    static var kind: String { "an integer" }

    /// Also reads `1_000_000` and `1e6`.
    init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content else { return nil }
        if let value = Int(text.replacing("_", with: "")) {
            self = value
        } else if let value = Double(text), abs(value) <= 0x1p53, let whole = Int(exactly: value) {
            self = whole
        } else {
            return nil
        }
    }

    var node: ConfigurationNode { ConfigurationNode(.scalar("\(self)", isText: false)) }
}

extension Bool: ConfigurationValue {
    static var kind: String { "true or false" }

    init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, isText: false) = node.content else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": self = true
        case "false", "no", "off": self = false
        default: return nil
        }
    }

    var node: ConfigurationNode { ConfigurationNode(.scalar("\(self)", isText: false)) }
}

extension String: ConfigurationValue {
    static var kind: String { "text" }

    init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content else { return nil }
        self = text
    }

    var node: ConfigurationNode { ConfigurationNode(.scalar(self, isText: true)) }
}

extension Optional: ConfigurationValue where Wrapped: ConfigurationValue {
    static var kind: String { "\(Wrapped.kind) or null" }

    init?(_ node: ConfigurationNode) {
        if node.isNull {
            self = .none
        } else if let value = Wrapped(node) {
            self = .some(value)
        } else {
            return nil
        }
    }

    var node: ConfigurationNode { self?.node ?? ConfigurationNode(.null) }
}

extension Array: ConfigurationValue where Element: ConfigurationValue {
    static var kind: String { "\(Element.kind), or a list of such" }

    /// One value stands for a list of one.
    init?(_ node: ConfigurationNode) {
        guard case .sequence(let nodes) = node.content else {
            guard let element = Element(node) else { return nil }
            self = [element]
            return
        }
        let elements = nodes.compactMap { Element($0) }
        guard elements.count == nodes.count else { return nil }
        self = elements
    }

    var node: ConfigurationNode { ConfigurationNode(.sequence(map(\.node))) }
}

/// An enumeration whose cases are the words that a key takes.
protocol ConfigurationWord: ConfigurationValue, CaseIterable, RawRepresentable where RawValue == String {}

extension ConfigurationWord {
    static var kind: String { "one of " + allCases.map(\.rawValue).joined(separator: ", ") }

    init?(_ node: ConfigurationNode) {
        guard case .scalar(let text, _) = node.content else { return nil }
        self.init(rawValue: text)
    }

    var node: ConfigurationNode { ConfigurationNode(.scalar(rawValue, isText: true)) }
}
