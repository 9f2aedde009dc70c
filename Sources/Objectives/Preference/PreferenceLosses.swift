import Configuration

/// The preference losses that a stage can be asked for, by name: a value, to which others are added.
package struct PreferenceLosses: Sendable, Equatable {
    /// In the order in which they are listed.
    package let forms: [PreferenceLossForm]

    /// Losses whose names differ, and whose options have keys that differ.
    package init(_ forms: [PreferenceLossForm]) {
        self.forms = forms
        precondition(Set(names).count == forms.count, "two losses have one name: \(names)")
        let keys = optionTypes.flatMap { $0.fieldKeys }
        precondition(Set(keys).count == keys.count, "two parts of losses have options of one key: \(keys)")
    }

    /// Those that come with the trainer.
    package static let standard = PreferenceLosses([.sigmoid, .ipo, .ipoSum, .hinge])

    /// These and others.
    package func adding(_ more: PreferenceLossForm...) -> PreferenceLosses { PreferenceLosses(forms + more) }

    /// The names that `loss_type` takes.
    package var names: [String] { forms.map(\.name) }

    /// The loss of that name.
    package subscript(_ name: String) -> PreferenceLossForm? { forms.first { $0.name == name } }

    /// The most references that any of the losses compares with.
    package var mostReferences: Int {
        forms.map { $0.loss(beta: 1, LossSettings()).needs.references }.max() ?? 0
    }

    /// The keys of all parts, as those of the options that hold their settings at `path`.
    package func fields<Outer>(
        at path: any WritableKeyPath<Outer, LossSettings> & Sendable
    ) -> [Field<Outer>] {
        optionTypes.flatMap { $0.fields(at: path) }
    }

    /// The first option that has been set and that the loss of this name does not read; `nil` where there is none.
    package func idleOption(of name: String, in settings: LossSettings) -> IdleLossOption? {
        let read = Set((self[name]?.optionTypes ?? []).map { ObjectIdentifier($0) })
        for type in optionTypes where !read.contains(ObjectIdentifier(type)) {
            guard let (key, standard) = type.changed(in: settings) else { continue }
            let readers = forms.filter { form in form.optionTypes.contains { $0 == type } }.map(\.name)
            return IdleLossOption(key: key, standard: standard, readers: readers)
        }
        return nil
    }

    /// The types of the options of all losses, each once.
    private var optionTypes: [any LossOptions.Type] {
        var seen: Set<ObjectIdentifier> = []
        return forms.flatMap(\.optionTypes).filter { seen.insert(ObjectIdentifier($0)).inserted }
    }

    /// Whether both have losses of the same names.
    package static func == (left: PreferenceLosses, right: PreferenceLosses) -> Bool { left.names == right.names }
}

/// An option that means nothing for the loss that is asked for.
package struct IdleLossOption: Sendable, Equatable {
    package let key: String
    /// Its default, as it is written.
    package let standard: String
    /// The losses that read it.
    package let readers: [String]
}

extension LossOptions {
    fileprivate static var fieldKeys: [String] { fields.map(\.key) }

    fileprivate static func fields<Outer>(
        at path: any WritableKeyPath<Outer, LossSettings> & Sendable
    ) -> [Field<Outer>] {
        fields.map { field in
            Field<Outer>(
                key: field.key, summary: field.summary, kind: field.kind, defaultText: field.defaultText,
                read: { field.read(&$0[keyPath: path][Self.self], $1) },
                write: { field.write($0[keyPath: path][Self.self]) })
        }
    }

    /// The first key whose value is not the default, with the default.
    fileprivate static func changed(in settings: LossSettings) -> (key: String, standard: String)? {
        for field in fields {
            let standard = ConfigurationWriter.inline(field.write(Self()))
            if ConfigurationWriter.inline(field.write(settings[Self.self])) != standard {
                return (field.key, standard)
            }
        }
        return nil
    }
}
