import JSON

/// A block of keys that belong to somebody else: read as JSON, by YAML's rules for plain words.
extension JSONObject: ConfigurationValue {
    package static var kind: String { "a block of keys" }

    package init?(_ node: ConfigurationNode) {
        guard case .object(let object) = JSON(node) else { return nil }
        self = object
    }

    package var node: ConfigurationNode { JSON.object(self).node }
}

extension JSON {
    fileprivate init(_ node: ConfigurationNode) {
        switch node.content {
        case .null: self = .null
        case .scalar(let text, isText: true): self = .string(text)
        case .scalar(let text, isText: false):
            if let flag = Bool(node) {
                self = .bool(flag)
            } else if let number = Int(node) {
                self = .number(number)
            } else if let number = Double(node), let json = JSON(number) {
                self = json
            } else {
                self = .string(text)
            }
        case .sequence(let nodes): self = .array(nodes.map { JSON($0) })
        case .mapping(let entries):
            self = .object(entries.reduce(into: JSONObject()) { $0[$1.key] = JSON($1.value) })
        }
    }

    fileprivate var node: ConfigurationNode {
        switch self {
        case .null: ConfigurationNode(.null)
        case .bool(let flag): flag.node
        case .number(let digits): ConfigurationNode(.scalar(digits, isText: false))
        case .string(let text): text.node
        case .array(let items): ConfigurationNode(.sequence(items.map(\.node)))
        case .object(let object):
            ConfigurationNode(
                .mapping(object.entries.map { .init(key: $0.key, origin: .none, value: $0.value.node) }))
        }
    }
}
