extension PreTokenizer {
    /// - Parameter node: `pre_tokenizer` of a `tokenizer.json`; `nil` where it has none.
    init(_ node: LocatedJSON?) throws {
        guard let node else { return }
        try append(node)
        if steps.contains(.spellBytes) { steps.append(.readBytes) }
        isByteLevelAlone = try isByteLevel && node.required("type").string() == "ByteLevel"
    }

    /// Puts a space before a text, or does not, whatever the file says of its `ByteLevel`.
    mutating func setPrefixSpace(_ adds: Bool) {
        steps.removeAll { if case .prefixSpace = $0 { true } else { false } }
        if adds { steps.insert(.prefixSpace, at: 0) }
    }

    /// Whether a visible space is put in front of a text.
    var prependsVisibleSpace: Bool {
        steps.contains { if case .metaspace(let metaspace) = $0 { metaspace.prepend != .never } else { false } }
    }

    /// Puts no visible space in front of anything.
    mutating func dropVisibleSpace() {
        steps = steps.map { step in
            guard case .metaspace(var metaspace) = step else { return step }
            metaspace.prepend = .never
            return .metaspace(metaspace)
        }
    }

    /// Steps can double the text that the next one gets; models have up to four.
    private static let maximumSteps = 16

    private mutating func append(_ node: LocatedJSON) throws {
        let type = try node.required("type").string()
        guard steps.count < Self.maximumSteps else {
            throw node.unsupported("more than \(Self.maximumSteps) pre-tokenizers in sequence")
        }
        switch type {
        case "Sequence":
            for child in try node.required("pretokenizers").array() { try append(child) }
        case "ByteLevel":
            try refuseAfterByteLevel(node, type)
            if try node.bool("add_prefix_space", default: true) { steps.append(.prefixSpace) }
            if try node.bool("use_regex", default: true) { split(.scanner(.gpt2)) }
            isByteLevel = true
        case "Digits":
            let individual = try node.bool("individual_digits", default: false)
            split(.run(CharacterRun(.ofClass(.number))), individual ? .isolated : .contiguous)
        case "Punctuation":
            split(.run(CharacterRun(.traits(.delimiter))), try node["behavior"].map(behavior) ?? .isolated)
        case "Whitespace":
            split(.run(CharacterRun(.ofClass(.space))), .removed)
            split(.run(CharacterRun(.traits(.word), maximum: .max)))
        case "WhitespaceSplit":
            split(.run(CharacterRun(.ofClass(.space))), .removed)
        case "Split":
            split(
                try Splitter.Pattern(try node.required("pattern")), try behavior(try node.required("behavior")),
                inverted: try node.bool("invert", default: false))
        case "Metaspace":
            try refuseAfterByteLevel(node, type)
            steps.append(.metaspace(try Metaspace(node)))
        default:
            throw node.unsupported("pre-tokenizer \(type)")
        }
    }

    /// What comes after `ByteLevel` sees the characters of the byte alphabet.
    private mutating func split(
        _ pattern: Splitter.Pattern, _ behavior: Splitter.Behavior = .isolated, inverted: Bool = false
    ) {
        if isByteLevel, !steps.contains(.spellBytes) { steps.append(.spellBytes) }
        steps.append(.split(Splitter(pattern: pattern, behavior: behavior, inverted: inverted)))
    }

    private func refuseAfterByteLevel(_ node: LocatedJSON, _ type: String) throws {
        if isByteLevel { throw node.unsupported("pre-tokenizer \(type) after ByteLevel") }
    }

    private func behavior(_ node: LocatedJSON) throws -> Splitter.Behavior {
        let name = try node.string()
        guard let behavior = Splitter.Behavior(rawValue: name) else {
            throw node.unsupported("the behavior \(name)")
        }
        return behavior
    }
}

extension Splitter.Pattern {
    /// - Parameter node: `{"String": literal}` or `{"Regex": expression}`.
    init(_ node: LocatedJSON) throws {
        if let literal = node["String"] {
            self = .literal(Array(try literal.string().utf8))
            return
        }
        let pattern = try node.required("Regex").string()
        if let scanner = WordScanner(pattern: pattern) {
            self = .scanner(scanner)
        } else if let scanner = SparseScanner(pattern: pattern) {
            self = .sparse(scanner)
        } else if let run = CharacterRun(pattern: pattern) {
            self = .run(run)
        } else if let regex = RegexPattern(pattern) {
            self = .regex(regex)
        } else {
            throw node.unsupported("the regular expression \(pattern.debugDescription)")
        }
    }
}

extension PreTokenizer.Metaspace {
    /// - Parameter node: a `Metaspace` pre-tokenizer or decoder, with `prepend_scheme` or the older `add_prefix_space`.
    init(_ node: LocatedJSON) throws {
        let replacement = try node.required("replacement").string()
        guard replacement.unicodeScalars.count == 1 else {
            throw node.invalid("replacement must be one character, not \(replacement.debugDescription)")
        }
        self.replacement = Array(replacement.utf8)
        if let scheme = try node["prepend_scheme"]?.string() {
            guard let prepend = Prepend(rawValue: scheme) else {
                throw node.unsupported("Metaspace with prepend_scheme \(scheme)")
            }
            self.prepend = prepend
        } else {
            prepend = try node.bool("add_prefix_space", default: true) ? .always : .never
        }
        splits = try node.bool("split", default: true)
    }
}
