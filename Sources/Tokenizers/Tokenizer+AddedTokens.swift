extension Tokenizer {
    /// The tokens of `added_tokens`, then those that only the other files name, as transformers adds them.
    static func addedTokens(
        _ document: JSONNode, settings: TokenizerSettings, vocabulary: Vocabulary
    ) throws -> [AddedToken] {
        var tokens: [AddedToken] = []
        var contents: [[UInt8]: Int] = [:]
        var ids: [Int32: Int] = [:]
        func add(_ token: AddedToken, _ node: JSONNode) throws {
            let text = Array(token.content.utf8)
            let known = vocabulary.id(of: token.content)
            if let known, known != token.id {
                throw node.invalid(
                    "\(token.content.debugDescription) has id \(token.id), but \(known) in the vocabulary")
            }
            if known == nil, vocabulary.text(of: Int(token.id)) != nil || ids[token.id] != nil {
                throw node.invalid("id \(token.id) of \(token.content.debugDescription) belongs to another token")
            }
            guard contents[text] == nil else {
                throw node.invalid("\(token.content.debugDescription) comes twice")
            }
            contents[text] = tokens.count
            ids[token.id] = tokens.count
            tokens.append(token)
        }
        for node in try document["added_tokens"]?.array() ?? [] {
            try add(try AddedToken(node), node)
        }
        for (token, node) in settings.addedTokens where contents[Array(token.content.utf8)] == nil {
            try add(token, node)
        }
        for (name, node) in settings.names {
            let text = Array(name.utf8)
            guard contents[text] == nil, let id = vocabulary.id(of: name) else { continue }
            try add(AddedToken(id: id, content: name, isSpecial: true), node)
        }
        return tokens
    }
}
