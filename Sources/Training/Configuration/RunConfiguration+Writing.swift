extension RunConfiguration {
    /// The resolved configuration as YAML: every key with its value, defaults too. It reads back to the same run.
    public var yaml: String {
        ConfigurationWriter.block(
            entries + [
                Self.entry("dataset", ConfigurationNode(.mapping(dataset.entries))),
                Self.entry("stages", stages.map(\.name).node),
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

/// The reference of all keys, made from the same list that reads them.
public enum ConfigurationReference {
    /// A Markdown section for each block, with a table of keys, what they take, defaults and meanings.
    public static var markdown: String {
        let blocks: [(String, String)] =
            [("Top level", table(RunConfiguration())), ("`dataset`", table(DatasetOptions()))]
            + StageType.allCases.map { ("`\($0.rawValue)`", table($0.defaults)) }
        return blocks.map { "### \($0)\n\n\($1)" }.joined(separator: "\n")
    }

    private static func table<Options: OptionGroup>(_ defaults: Options) -> String {
        let rows = Options.fields.map { field in
            let standard = field.defaultText ?? "`\(ConfigurationWriter.inline(field.write(defaults)))`"
            return "| `\(field.key)` | \(field.kind) | \(standard) | \(field.summary) |\n"
        }
        return "| key | value | default | meaning |\n|---|---|---|---|\n" + rows.joined()
    }
}
