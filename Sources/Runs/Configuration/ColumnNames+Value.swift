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

    /// Which entry of a block is at fault; `nil` for what is no block.
    static func advice(on node: ConfigurationNode) -> String? {
        for entry in node.entries ?? [] {
            guard known.contains(entry.key) else {
                let nearest = NearestName.of(entry.key, in: known).map { "; did you mean \($0)?" }
                return "'\(entry.key)' is none of these\(nearest ?? "")"
            }
            if String(entry.value)?.isEmpty ?? true {
                return "'\(entry.key)' has \(entry.value.found); give it the name of a column"
            }
        }
        return nil
    }

    package var node: ConfigurationNode {
        ConfigurationNode(
            .mapping(
                Self.known.compactMap { name in
                    names[name].map { ConfigurationNode.Entry(key: name, origin: .none, value: $0.node) }
                }))
    }
}
