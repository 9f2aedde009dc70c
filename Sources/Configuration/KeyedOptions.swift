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

    /// These fields of an embedded struct, as keys of a block of their own within the block.
    package static func nest<Group>(
        _ block: String, _ path: any WritableKeyPath<Self, Group> & Sendable, _ fields: [Field<Group>]
    ) -> [Field<Self>] {
        fields.map { $0.embedded(at: path, default: nil, effect: nil, in: block) }
    }

    /// The names of the keys; those of blocks within the block are dotted.
    package var keys: [String] { fields.map(\.key) }

    /// All keys with their values, in the order of the list; keys of a block within the block stand together.
    package var entries: [ConfigurationNode.Entry] { ConfigurationNode.Entry.list(fields, of: self) }
}

extension ConfigurationNode.Entry {
    /// The keys of these fields with the values of `options`, those of a block within the block together in it.
    package static func list<Options>(_ fields: [Field<Options>], of options: Options) -> [Self] {
        var entries: [Self] = []
        for field in fields {
            entries.insert(field.write(options), at: field.key.split(separator: ".").map(String.init)[...])
        }
        return entries
    }
}

extension [ConfigurationNode.Entry] {
    fileprivate mutating func insert(_ value: ConfigurationNode, at path: ArraySlice<String>) {
        guard let key = path.first else { return }
        guard path.count > 1 else { return append(Element(key: key, origin: .none, value: value)) }
        let index = firstIndex { $0.key == key } ?? endIndex
        if index == endIndex { append(Element(key: key, origin: .none, value: ConfigurationNode(.mapping([])))) }
        var inner = self[index].value.entries ?? []
        inner.insert(value, at: path.dropFirst())
        self[index].value.content = .mapping(inner)
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
