import Configuration

/// The preference losses that a stage can be asked for, by name: a value, to which others are added.
package struct PreferenceLosses: Sendable, Equatable {
    /// In the order in which they are listed.
    package let forms: [PreferenceLossForm]
    /// What changes any of them, in the order in which it does.
    package let modifiers: [any LossModifier.Type]

    /// Losses whose names differ, and whose options have keys that differ.
    package init(_ forms: [PreferenceLossForm], modifiers: [any LossModifier.Type] = []) {
        (self.forms, self.modifiers) = (forms, modifiers)
        precondition(Set(names).count == forms.count, "two losses have one name: \(names)")
        let keys = optionTypes.flatMap { $0.keys }
        precondition(Set(keys).count == keys.count, "two parts of losses have options of one key: \(keys)")
    }

    /// These and others.
    package func adding(_ more: PreferenceLossForm...) -> PreferenceLosses {
        PreferenceLosses(forms + more, modifiers: modifiers)
    }

    /// The names that `loss_type` takes.
    package var names: [String] { forms.map(\.name) }

    /// The loss of that name.
    package subscript(_ name: String) -> PreferenceLossForm? { forms.first { $0.name == name } }

    /// The reductions that can be asked for by name: those of the losses' first terms, each once.
    package var reductions: [LossPartForm<any Reduction>] { Self.distinct(firstTerms.map(\.reduction)) }

    /// Their scores.
    package var scores: [LossPartForm<any PairScore>] { Self.distinct(firstTerms.map(\.score)) }

    /// Their links.
    package var links: [LossPartForm<any Link>] { Self.distinct(firstTerms.map(\.link)) }

    /// A term that is added to another is no loss of a pair by itself.
    private var firstTerms: [PreferenceLossForm.TermForm] { forms.compactMap(\.terms.first) }

    /// The most references that any of the losses compares with.
    package var mostReferences: Int {
        forms.map { $0.loss(beta: 1, LossSettings()).needs.references }.max() ?? 0
    }

    /// The keys of all parts and modifiers, as those of the options that hold their settings at `path`.
    package func fields<Outer>(
        at path: any WritableKeyPath<Outer, LossSettings> & Sendable
    ) -> [Field<Outer>] {
        optionTypes.flatMap { $0.fields(at: path) }
    }

    /// The first option that has been set and is none of these types' nor a modifier's; `nil` where there is none.
    func idleOption(in settings: LossSettings, readTypes: Set<ObjectIdentifier>) -> IdleLossOption? {
        for type in partOptionTypes where !readTypes.contains(ObjectIdentifier(type)) {
            guard let (key, standard) = type.changed(in: settings) else { continue }
            let readers = forms.filter { $0.terms.contains { $0.optionTypes.contains { $0 == type } } }.map(\.name)
            return IdleLossOption(key: key, standard: standard, readers: readers)
        }
        return nil
    }

    private var optionTypes: [any LossOptions.Type] {
        let parts = partOptionTypes
        return parts + modifiers.filter { modifier in !parts.contains { $0 == modifier } }
    }

    /// The types of the options of all parts, each once.
    private var partOptionTypes: [any LossOptions.Type] {
        var seen: Set<ObjectIdentifier> = []
        return forms.flatMap { $0.terms.flatMap(\.optionTypes) }.filter { seen.insert(ObjectIdentifier($0)).inserted }
    }

    private static func distinct<Part>(_ parts: [LossPartForm<Part>]) -> [LossPartForm<Part>] {
        var seen: Set<String> = []
        return parts.filter { seen.insert($0.name).inserted }
    }

    /// Whether both have losses of the same names.
    package static func == (left: PreferenceLosses, right: PreferenceLosses) -> Bool { left.names == right.names }
}

/// An option that means nothing for the loss that is asked for.
struct IdleLossOption {
    let key: String
    /// Its default, as it is written.
    let standard: String
    /// The losses that read it.
    let readers: [String]

    /// A few of them.
    var someReaders: String {
        let some = readers.count > 3 ? readers.prefix(2) + ["another that reads it"] : readers
        return some.joined(separator: " or ")
    }
}

extension LossOptions {
    /// As they stand in the stage's block.
    fileprivate static var keys: [String] { fields.map { dotted($0.key) } }

    private static func dotted(_ key: String) -> String { block.map { "\($0).\(key)" } ?? key }

    fileprivate static func fields<Outer>(
        at path: any WritableKeyPath<Outer, LossSettings> & Sendable
    ) -> [Field<Outer>] {
        fields.map { field in
            var outer = Field<Outer>(
                key: dotted(field.key), summary: field.summary, kind: field.kind, defaultText: field.defaultText,
                effect: field.effect, role: field.role,
                read: { field.read(&$0[keyPath: path][Self.self], $1) },
                write: { field.write($0[keyPath: path][Self.self]) })
            outer.copyHints(from: field)
            return outer
        }
    }

    /// The first key whose value is not the default, with the default.
    fileprivate static func changed(in settings: LossSettings) -> (key: String, standard: String)? {
        for field in fields {
            let standard = ConfigurationWriter.inline(field.write(Self()))
            if ConfigurationWriter.inline(field.write(settings[Self.self])) != standard {
                return (dotted(field.key), standard)
            }
        }
        return nil
    }
}
