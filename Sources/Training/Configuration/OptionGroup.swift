/// A struct of options that lists its keys once; reading, writing, defaults and documentation follow from the list.
protocol OptionGroup: Sendable {
    static var fields: [Field<Self>] { get }
    /// The defaults.
    init()
}

extension OptionGroup {
    /// The fields of an embedded group, as keys of the same block.
    static func embed<Group: OptionGroup>(
        _ path: any WritableKeyPath<Self, Group> & Sendable, default text: String? = nil
    ) -> [Field<Self>] {
        Group.fields.map { $0.embedded(at: path, default: text) }
    }

    /// The names of the keys.
    var keys: [String] { Self.fields.map(\.key) }

    /// All keys with their values, in the order of the list.
    var entries: [ConfigurationNode.Entry] {
        Self.fields.map { ConfigurationNode.Entry(key: $0.key, origin: .none, value: $0.write(self)) }
    }
}

/// Collects fields and embedded groups one statement a key.
@resultBuilder
enum FieldsBuilder<Options> {
    static func buildExpression(_ field: Field<Options>) -> [Field<Options>] { [field] }
    static func buildExpression(_ fields: [Field<Options>]) -> [Field<Options>] { fields }
    static func buildBlock(_ parts: [Field<Options>]...) -> [Field<Options>] { parts.flatMap(\.self) }
}

extension Field {
    /// The fields of `Options`, one statement a key.
    static func list(@FieldsBuilder<Options> _ fields: () -> [Field<Options>]) -> [Field<Options>] { fields() }
}
