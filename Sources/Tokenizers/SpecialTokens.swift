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

    init(_ settings: TokenizerSettings, id: (String) -> Int32?) throws {
        func token(_ role: String) throws -> Token? {
            guard let named = settings.roles[role] else { return nil }
            guard let id = id(named.text) else {
                throw named.node.invalid(
                    "\(named.text.debugDescription) is not a token of tokenizer.json; add it to its added_tokens")
            }
            return Token(text: named.text, id: id)
        }
        bos = try token("bos_token")
        eos = try token("eos_token")
        pad = try token("pad_token")
        unknown = try token("unk_token")
    }
}
