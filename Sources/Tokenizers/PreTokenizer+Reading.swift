extension PreTokenizer {
    /// - Parameter node: `pre_tokenizer` of a `tokenizer.json`; `nil` where it has none.
    init(_ node: LocatedJSON?) throws {
        guard let node else { return }
        try append(node)
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
        if isByteLevel { throw node.unsupported("pre-tokenizer \(type) after ByteLevel") }
        guard steps.count < Self.maximumSteps else {
            throw node.unsupported("more than \(Self.maximumSteps) pre-tokenizers in sequence")
        }
        switch type {
        case "Sequence":
            for child in try node.required("pretokenizers").array() { try append(child) }
        case "ByteLevel":
            if try node.bool("add_prefix_space", default: true) { steps.append(.prefixSpace) }
            if try node.bool("use_regex", default: true) {
                steps.append(.split(Splitter(pattern: .scanner(.gpt2), behavior: .isolated, inverted: false)))
            }
            isByteLevel = true
        case "Digits":
            let individual = try node.bool("individual_digits", default: false)
            steps.append(
                .split(Splitter(pattern: .digits, behavior: individual ? .isolated : .contiguous, inverted: false)))
        case "Split":
            steps.append(.split(try splitter(node)))
        case "Metaspace":
            steps.append(.metaspace(try Metaspace(node)))
        default:
            throw node.unsupported("pre-tokenizer \(type)")
        }
    }

    private func splitter(_ node: LocatedJSON) throws -> Splitter {
        let name = try node.required("behavior").string()
        guard let behavior = Splitter.Behavior(rawValue: name) else {
            throw node.unsupported("Split with behavior \(name)")
        }
        return Splitter(
            pattern: try Splitter.Pattern(try node.required("pattern")), behavior: behavior,
            inverted: try node.bool("invert", default: false))
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
