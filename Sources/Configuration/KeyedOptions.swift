/// A struct of options that lists its keys once; reading, writing, defaults and documentation follow from the list.
package protocol KeyedOptions: Sendable {
    static var fields: [Field<Self>] { get }
    /// The fields of this value: those of its type, unless the keys depend on something that it holds.
    var fields: [Field<Self>] { get }
    /// The defaults.
    init()
}

extension KeyedOptions {
    /// Those of the type.
    package var fields: [Field<Self>] { Self.fields }

    /// The fields of an embedded group, as keys of the same block.
    package static func embed<Group: KeyedOptions>(
        _ path: any WritableKeyPath<Self, Group> & Sendable, default text: String? = nil, effect: ResumeEffect? = nil
    ) -> [Field<Self>] {
        Group.fields.map { $0.embedded(at: path, default: text, effect: effect) }
    }

    /// These fields of an embedded struct, as keys of the same block.
    package static func embed<Group>(
        _ path: any WritableKeyPath<Self, Group> & Sendable, _ fields: [Field<Group>]
    ) -> [Field<Self>] {
        fields.map { $0.embedded(at: path, default: nil, effect: nil) }
    }

    /// The names of the keys.
    package var keys: [String] { fields.map(\.key) }

    /// All keys with their values, in the order of the list.
    package var entries: [ConfigurationNode.Entry] {
        fields.map { ConfigurationNode.Entry(key: $0.key, origin: .none, value: $0.write(self)) }
    }
}

/// Collects fields and embedded groups one statement a key.
@resultBuilder
package enum FieldsBuilder<Options> {
    package static func buildExpression(_ field: Field<Options>) -> [Field<Options>] { [field] }
    package static func buildExpression(_ fields: [Field<Options>]) -> [Field<Options>] { fields }
    package static func buildBlock(_ parts: [Field<Options>]...) -> [Field<Options>] { parts.flatMap(\.self) }
}

extension Field {
    /// The fields of `Options`, one statement a key.
    package static func list(@FieldsBuilder<Options> _ fields: () -> [Field<Options>]) -> [Field<Options>] { fields() }
}
