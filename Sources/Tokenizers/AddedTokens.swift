/// The added tokens of a tokenizer, with the ids that the `tokenizers` library gives them.
///
/// A token that the vocabulary has keeps the id there; any other gets the next free one in the order of adding, whatever
/// id its file says. A token that comes again keeps its id and takes the later flags, but stays special.
struct AddedTokens {
    private(set) var tokens: [AddedToken] = []
    private let vocabulary: Vocabulary
    private var indices: [[UInt8]: Int] = [:]
    private var nextID: Int32
    /// Default tokens that are left out.
    private var reserved: Set<String> = []

    /// - Parameter vocabulary: what the model itself has.
    init(vocabulary: Vocabulary) {
        self.vocabulary = vocabulary
        nextID = Int32(vocabulary.count)
    }

    /// The id of a token of the vocabulary or of an added one.
    func id(of text: String) -> Int32? {
        indices[Array(text.utf8)].map { tokens[$0].id } ?? vocabulary.id(of: text)
    }

    func contains(_ text: String) -> Bool { indices[Array(text.utf8)] != nil }

    mutating func add(_ token: AddedToken) {
        let text = Array(token.content.utf8)
        guard !text.isEmpty else { return }
        var token = token
        if let index = indices[text] {
            token.id = tokens[index].id
            token.isSpecial = token.isSpecial || tokens[index].isSpecial
            tokens[index] = token
            return
        }
        token.id = vocabulary.id(of: token.content) ?? nextID
        nextID = max(nextID, token.id + 1)
        indices[text] = tokens.count
        tokens.append(token)
    }

    /// Adds a token that another file names as special; one that is there keeps its flags.
    mutating func addSpecial(_ token: AddedToken) {
        guard let index = indices[Array(token.content.utf8)] else { return add(token) }
        tokens[index].isSpecial = true
    }

    /// Adds a token that only the tokenizer's class names. One that the tokenizer does not have is left out, though its id
    /// stays taken: no model was trained on it.
    private mutating func addDefault(_ token: AddedToken) {
        if id(of: token.content) != nil {
            addSpecial(token)
        } else if !reserved.contains(token.content) {
            reserved.insert(token.content)
            nextID += 1
        }
    }
}

extension AddedTokens {
    /// The tokens of `added_tokens`, then those of the files beside it, in the order in which transformers adds them.
    init(
        _ document: LocatedJSON, settings: TokenizerSettings, class tokenizerClass: TokenizerClass,
        vocabulary: Vocabulary
    )
        throws
    {
        self.init(vocabulary: vocabulary)
        var declared: Set<Int> = []
        for node in try document["added_tokens"]?.array() ?? [] {
            declared.insert(try node.required("id").integer(in: 0...Vocabulary.maximumID))
            add(try AddedToken(node))
        }
        for (id, token) in settings.addedTokens {
            // Of two tokens with one id, transformers keeps that of tokenizer.json.
            if settings.losesToDeclared, declared.contains(id) { continue }
            add(token)
        }
        let end = settings.endToken
        let defaults = tokenizerClass.defaultTokens
        for key in TokenizerSettings.roleKeys {
            if let role = settings.roles.first(where: { $0.key == key }) {
                if key != "eos_token" || end == nil || role.token.content == end { addSpecial(role.token) }
            } else if !settings.namesRole(key), let text = defaults.first(where: { $0.role == key })?.text {
                addDefault(AddedToken(content: text, isSpecial: true))
            }
        }
        for token in settings.furtherTokens where !contains(token.content) { add(token) }
        guard let end else { return }
        guard id(of: end) != nil else { throw TokenizerError.unknownToken(file: document.file, text: end) }
        addSpecial(AddedToken(content: end, isSpecial: true))
    }
}
