import JSON
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
    /// The same for a conversation whose row brings variables of its own, such as `tools`.
    func told(_ variables: JSONObject) -> Self
    /// The conversation as one text, and by bytes of its UTF-8 what the template marks as written by the assistant; `nil` for a
    /// template that marks nothing.
    func renderMarked(_ messages: [ChatMessage]) throws -> (text: String, generations: [Range<Int>])?
    /// Whether the tokenizer puts its special tokens, such as BOS, around what the template writes. False for
    /// templates that write them themselves.
    var takesSpecialTokens: Bool { get }
}

extension ChatRenderer {
    /// False, as for most templates.
    public var takesSpecialTokens: Bool { false }
}
