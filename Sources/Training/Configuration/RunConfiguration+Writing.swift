extension RunConfiguration {
    /// The resolved configuration as YAML: every key with its value, defaults too. It reads back to the same run.
    public var yaml: String {
        ConfigurationWriter.block(
            entries + [
                Self.entry("stages", stages.map(\.name).node),
                Self.entry("dataset", ConfigurationNode(.mapping(dataset.entries))),
            ]
                + stages.map { stage in
                    let type = Self.entry("type", stage.type.rawValue.node)
                    return Self.entry(stage.name, ConfigurationNode(.mapping([type] + stage.options.group.entries)))
                })
    }

    private static func entry(_ key: String, _ value: ConfigurationNode) -> ConfigurationNode.Entry {
        ConfigurationNode.Entry(key: key, origin: .none, value: value)
    }
}
