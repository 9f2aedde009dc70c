import Configuration

extension RunConfiguration {
    /// The resolved configuration as YAML: every key with its value, defaults too. It reads back to the same run.
    package var yaml: String { ConfigurationWriter.block(resolved) }

    /// Every key by its dotted name, with its value as it is written.
    package var settings: [String: String] { Self.flat(resolved, under: "") }

    private var resolved: [ConfigurationNode.Entry] {
        entries + [
            Self.entry("stages", stages.map(\.name).node),
            Self.entry("dataset", ConfigurationNode(.mapping(dataset.entries))),
        ]
            + stages.map { stage in
                let type = Self.entry("type", stage.type.node)
                return Self.entry(stage.name, ConfigurationNode(.mapping([type] + stage.stage.entries)))
            }
    }

    private static func entry(_ key: String, _ value: ConfigurationNode) -> ConfigurationNode.Entry {
        ConfigurationNode.Entry(key: key, origin: .none, value: value)
    }

    private static func flat(_ entries: [ConfigurationNode.Entry], under block: String) -> [String: String] {
        entries.reduce(into: [:]) { settings, entry in
            if case .mapping(let inner) = entry.value.content, !inner.isEmpty {
                settings.merge(flat(inner, under: "\(block)\(entry.key).")) { first, _ in first }
            } else {
                settings[block + entry.key] = ConfigurationWriter.inline(entry.value)
            }
        }
    }
}
