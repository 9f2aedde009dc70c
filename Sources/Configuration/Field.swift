/// One key of an options struct: its name, meaning and rule, and how it is read, written, documented and resumed.
package struct Field<Options>: Sendable {
    /// Dotted for a key of a block within the block.
    package let key: String
    /// One sentence on what the key does.
    package let summary: String
    /// What the key takes, such as "a number, at least 0".
    package let kind: String
    /// The words that it takes, where they are too many to tell them all in an error.
    package var words: [String] = []
    /// All words that it takes, of which the nearest to a wrong one is told.
    package var candidates: [String] = []
    /// What to do about a wrong value of which more is known than that; `nil` for others.
    package var advice: @Sendable (ConfigurationNode) -> String? = { _ in nil }
    /// The default in words, where it depends on other keys or stages; `nil` where it is the struct's own value.
    package let defaultText: String?
    /// What a change of it means for a run that is resumed.
    package var effect: ResumeEffect
    /// What the layers above know of it; `nil` for a plain option.
    package var role: (any FieldRole)?
    /// Another way to write the key; `nil` where there is none.
    package var spelling: FieldSpelling?
    /// Reads the value into the options; `false` where the node is not of this kind.
    package let read: @Sendable (inout Options, ConfigurationNode) -> Bool
    /// The value as it is written.
    package let write: @Sendable (Options) -> ConfigurationNode

    package init(
        key: String, summary: String, kind: String, defaultText: String? = nil, effect: ResumeEffect = .numerics,
        role: (any FieldRole)? = nil, read: @escaping @Sendable (inout Options, ConfigurationNode) -> Bool,
        write: @escaping @Sendable (Options) -> ConfigurationNode
    ) {
        (self.key, self.summary, self.kind, self.defaultText) = (key, summary, kind, defaultText)
        (self.effect, self.role, self.read, self.write) = (effect, role, read, write)
    }
}

extension Field {
    /// Whether two values of the options say the same under this key.
    package func isSame(in options: Options, as other: Options) -> Bool {
        ConfigurationWriter.inline(write(options)) == ConfigurationWriter.inline(write(other))
    }
}

/// Another program's key that says the same as a field's in other values; it is read and never written.
package struct FieldSpelling: Sendable {
    /// The other key.
    package let key: String
    /// What that takes.
    package let kind: String
    /// The field's value for a value of the other key; `nil` where that takes no such value.
    package let value: @Sendable (ConfigurationNode) -> ConfigurationNode?

    package init(
        key: String, kind: String, value: @escaping @Sendable (ConfigurationNode) -> ConfigurationNode?
    ) {
        (self.key, self.kind, self.value) = (key, kind, value)
    }
}

/// What a key is to the layers above, such as the name of an input.
package protocol FieldRole: Sendable {}

/// What a change of a key means for a run that is resumed.
package enum ResumeEffect: Sendable, Equatable {
    /// Nothing: where a run lies, how long it waits, what it keeps in memory.
    case free
    /// Nothing for the result: how a run is watched and saved.
    case watching
    /// The same, but in a stage that leaves the best of its models it chooses that.
    case choosing
    /// It enters only what a stage makes of its items in the end.
    case concluding
    /// Nothing so far where the value was this one, or the run would have ended.
    case loosening(from: String)
    /// Sums are rounded differently.
    case rounding
    /// Nothing between these values; else sums are rounded differently.
    case roundingBeyond([String])
    /// The result would have come out differently.
    case numerics
}

extension Field {
    /// A key that takes every value of its type.
    package init<Value: ConfigurationValue>(
        _ key: String, _ path: any WritableKeyPath<Options, Value> & Sendable, default defaultText: String? = nil,
        effect: ResumeEffect = .numerics, _ summary: String
    ) {
        self.init(
            key: key, summary: summary, kind: Value.kind, defaultText: defaultText, effect: effect,
            read: { options, node in
                guard let value = Value(node) else { return false }
                options[keyPath: path] = value
                return true
            },
            write: { $0[keyPath: path].node })
        candidates = Value.words
    }

    /// A key whose values keep to a rule.
    package init<Value: ConfigurationValue>(
        _ key: String, _ path: any WritableKeyPath<Options, Value> & Sendable, _ constraint: Constraint<Value>,
        default defaultText: String? = nil, effect: ResumeEffect = .numerics, _ summary: String
    ) {
        self.init(
            key: key, summary: summary, kind: "\(Value.kind), \(constraint.description)", defaultText: defaultText,
            effect: effect,
            read: { options, node in
                guard let value = Value(node), constraint.holds(value) else { return false }
                options[keyPath: path] = value
                return true
            },
            write: { $0[keyPath: path].node })
        candidates = Value.words
    }

    /// A key that may be null, with a rule for the values that are not.
    package init<Value: ConfigurationValue>(
        _ key: String, _ path: any WritableKeyPath<Options, Value?> & Sendable, _ constraint: Constraint<Value>,
        default defaultText: String? = nil, effect: ResumeEffect = .numerics, _ summary: String
    ) {
        self.init(
            key: key, summary: summary, kind: "\(Value.kind), \(constraint.description), or null",
            defaultText: defaultText, effect: effect,
            read: { options, node in
                guard let value = Value?(node), value.map(constraint.holds) ?? true else { return false }
                options[keyPath: path] = value
                return true
            },
            write: { $0[keyPath: path].node })
        candidates = Value.words
    }

    /// A key that takes some of the words of a choice.
    package init<Value: ConfigurationWord & Equatable>(
        _ key: String, _ path: any WritableKeyPath<Options, Value> & Sendable, among words: [Value],
        default defaultText: String? = nil, effect: ResumeEffect = .numerics, _ summary: String
    ) {
        self.init(
            key: key, summary: summary, kind: "one of " + words.map(\.rawValue).joined(separator: ", "),
            defaultText: defaultText, effect: effect,
            read: { options, node in
                guard let value = Value(node), words.contains(value) else { return false }
                options[keyPath: path] = value
                return true
            },
            write: { $0[keyPath: path].node })
    }

    /// This field as a field of a struct that embeds `Options`, where default and effect may come from elsewhere.
    ///
    /// - Parameter block: The block of its own that the key stands in there, if any.
    package func embedded<Outer>(
        at path: any WritableKeyPath<Outer, Options> & Sendable, default outerDefault: String?,
        effect outerEffect: ResumeEffect?, in block: String? = nil
    ) -> Field<Outer> {
        var field = Field<Outer>(
            key: block.map { "\($0).\(key)" } ?? key, summary: summary, kind: kind,
            defaultText: outerDefault ?? defaultText, effect: outerEffect ?? effect, role: role,
            read: { read(&$0[keyPath: path], $1) },
            write: { write($0[keyPath: path]) })
        field.copyHints(from: self)
        return field
    }

    /// What is known of wrong values, of another field of the same key.
    package mutating func copyHints<Other>(from other: Field<Other>) {
        (words, candidates, advice, spelling) = (other.words, other.candidates, other.advice, other.spelling)
    }

    /// This field of a block within a block, as the inner block knows it.
    func inner(of block: String) -> Field {
        var field = Field(
            key: String(key.dropFirst(block.count + 1)), summary: summary, kind: kind, defaultText: defaultText,
            effect: effect, role: role, read: read, write: write)
        field.copyHints(from: self)
        return field
    }
}
