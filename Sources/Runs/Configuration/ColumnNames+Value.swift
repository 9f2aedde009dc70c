import Configuration
import PreferenceData

extension ColumnNames: ConfigurationValue {
    package static var kind: String { "a block with a column's name for some of \(known.joined(separator: ", "))" }

    package init?(_ node: ConfigurationNode) {
        guard let entries = node.entries else { return nil }
        var names: [String: String] = [:]
        for entry in entries {
            guard Self.known.contains(entry.key), let column = String(entry.value), !column.isEmpty else { return nil }
            names[entry.key] = column
        }
        self.init(names)
    }

    package var node: ConfigurationNode {
        ConfigurationNode(
            .mapping(
                Self.known.compactMap { name in
                    names[name].map { ConfigurationNode.Entry(key: name, origin: .none, value: $0.node) }
                }))
    }
}
