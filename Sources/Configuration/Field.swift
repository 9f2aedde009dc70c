/// One key of an options struct: its name, meaning and rule, and how it is read, written and documented.
package struct Field<Options>: Sendable {
    package let key: String
    /// One sentence on what the key does.
    package let summary: String
    /// What the key takes, such as "a number, at least 0".
    package let kind: String
    /// The default in words, where it depends on other keys or stages; `nil` where it is the struct's own value.
    package let defaultText: String?
    /// Reads the value into the options; `false` where the node is not of this kind.
    package let read: @Sendable (inout Options, ConfigurationNode) -> Bool
    /// The value as it is written.
    package let write: @Sendable (Options) -> ConfigurationNode

    package init(
        key: String, summary: String, kind: String, defaultText: String? = nil,
        read: @escaping @Sendable (inout Options, ConfigurationNode) -> Bool,
        write: @escaping @Sendable (Options) -> ConfigurationNode
    ) {
        (self.key, self.summary, self.kind, self.defaultText, self.read, self.write) = (
            key, summary, kind, defaultText, read, write
        )
    }
}

extension Field {
    /// A key that takes every value of its type.
    package init<Value: ConfigurationValue>(
        _ key: String, _ path: any WritableKeyPath<Options, Value> & Sendable, default defaultText: String? = nil,
        _ summary: String
    ) {
        self.init(
            key: key, summary: summary, kind: Value.kind, defaultText: defaultText,
            read: { options, node in
                guard let value = Value(node) else { return false }
                options[keyPath: path] = value
                return true
            },
            write: { $0[keyPath: path].node })
    }

    /// A key whose values keep to a rule.
    package init<Value: ConfigurationValue>(
        _ key: String, _ path: any WritableKeyPath<Options, Value> & Sendable, _ constraint: Constraint<Value>,
        default defaultText: String? = nil, _ summary: String
    ) {
        self.init(
            key: key, summary: summary, kind: "\(Value.kind), \(constraint.description)", defaultText: defaultText,
            read: { options, node in
                guard let value = Value(node), constraint.holds(value) else { return false }
                options[keyPath: path] = value
                return true
            },
            write: { $0[keyPath: path].node })
    }

    /// A key that may be null, with a rule for the values that are not.
    package init<Value: ConfigurationValue>(
        _ key: String, _ path: any WritableKeyPath<Options, Value?> & Sendable, _ constraint: Constraint<Value>,
        default defaultText: String? = nil, _ summary: String
    ) {
        self.init(
            key: key, summary: summary, kind: "\(Value.kind), \(constraint.description), or null",
            defaultText: defaultText,
            read: { options, node in
                guard let value = Value?(node), value.map(constraint.holds) ?? true else { return false }
                options[keyPath: path] = value
                return true
            },
            write: { $0[keyPath: path].node })
    }

    /// This field as a field of a struct that embeds `Options`, where the default may come from elsewhere.
    package func embedded<Outer>(
        at path: any WritableKeyPath<Outer, Options> & Sendable, default outerDefault: String?
    ) -> Field<Outer> {
        Field<Outer>(
            key: key, summary: summary, kind: kind, defaultText: outerDefault ?? defaultText,
            read: { read(&$0[keyPath: path], $1) },
            write: { write($0[keyPath: path]) })
    }
}
