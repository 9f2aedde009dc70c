import Tokenizers

/// What this layer asks of a tokenizer.
public protocol TextEncoder: Sendable {
    /// Token ids of `text`; with `addSpecialTokens` those the tokenizer puts around a text, such as BOS.
    func encode(_ text: String, addSpecialTokens: Bool) -> [Int32]
    /// What `encode` with special tokens puts behind a text: the end of one that goes no further.
    var trailingTokenIDs: [Int32] { get }
    /// The token that starts a text, where the tokenizer has one.
    var bosTokenID: Int32? { get }
    /// The token that ends a response, where the tokenizer has one.
    var eosTokenID: Int32? { get }
}

extension TextEncoder {
    /// Nothing, as for most tokenizers.
    public var trailingTokenIDs: [Int32] { [] }
}

/// What this layer asks of a chat template.
public protocol ChatRenderer: Sendable {
    /// The conversation as one text; with `addGenerationPrompt` up to where the assistant's next answer starts.
    func render(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> String
    /// Whether the tokenizer puts its special tokens, such as BOS, around what the template writes. False for
    /// templates that write them themselves.
    var takesSpecialTokens: Bool { get }
}

extension ChatRenderer {
    /// False, as for most templates.
    public var takesSpecialTokens: Bool { false }
}
