/// The tokens with a role of their own.
public struct SpecialTokens: Sendable, Equatable {
    /// A token's text and id.
    public struct Token: Sendable, Equatable {
        /// The text, as it stands in the vocabulary.
        public let text: String
        /// The id.
        public let id: Int32

        /// A token and its id.
        public init(text: String, id: Int32) {
            self.text = text
            self.id = id
        }
    }

    /// Begins a text.
    public let bos: Token?
    /// Ends a text.
    public let eos: Token?
    /// Fills rows up; nothing in this project is padded, but saved models name it.
    public let pad: Token?
    /// Stands for what the vocabulary does not have.
    public let unknown: Token?

    /// The roles that a tokenizer names; `nil` where it names none.
    public init(bos: Token? = nil, eos: Token? = nil, pad: Token? = nil, unknown: Token? = nil) {
        self.bos = bos
        self.eos = eos
        self.pad = pad
        self.unknown = unknown
    }

    /// The roles that files name, else those of the tokenizer's class where it has such a token.
    init(_ settings: TokenizerSettings, class tokenizerClass: TokenizerClass, id: (String) -> Int32?) {
        func token(_ key: String) -> Token? {
            let named = settings.roles.first { $0.key == key }?.token.content
            let fallback = tokenizerClass.defaultTokens.first { $0.role == key }?.text
            guard let text = settings.namesRole(key) ? named : fallback else { return nil }
            return id(text).map { Token(text: text, id: $0) }
        }
        bos = token("bos_token")
        eos = settings.endToken.flatMap { text in id(text).map { Token(text: text, id: $0) } } ?? token("eos_token")
        pad = token("pad_token")
        unknown = token("unk_token")
    }
}
