import JSON
import Tokenizers

extension Tokenizer: TextEncoder {
    /// The id of the token that starts a text.
    public var bosTokenID: Int32? { specialTokens.bos?.id }
    /// The id of the token that ends a text.
    public var eosTokenID: Int32? { specialTokens.eos?.id }
}

/// A chat template together with the special tokens that it writes.
public struct TokenizerTemplate: ChatRenderer {
    /// The template.
    public private(set) var template: ChatTemplate
    /// The tokenizer's special tokens.
    public let specialTokens: SpecialTokens

    /// `template` with the special tokens of `tokenizer`.
    public init(_ template: ChatTemplate, for tokenizer: Tokenizer) {
        self.template = template
        specialTokens = tokenizer.specialTokens
    }

    /// Whether the tokenizer puts its BOS in front, because the template writes none.
    public var takesSpecialTokens: Bool { template.takesTokenizerBOS }

    /// The conversation with what `{% generation %}` blocks mark.
    /// - Throws: `ChatTemplateError`, as ``render(_:addGenerationPrompt:)`` does.
    public func renderMarked(_ messages: [ChatMessage]) throws -> (text: String, generations: [Range<Int>])? {
        guard template.marksAnswers else { return nil }
        return try template.renderMarked(messages, specialTokens: specialTokens)
    }

    /// The same with a row's variables, which count before those that the template has.
    public func told(_ variables: JSONObject) -> Self {
        var told = self
        told.template.rowVariables = variables
        return told
    }

    /// The conversation as one text.
    /// - Throws: `ChatTemplateError` for a conversation that the template has no form for.
    public func render(_ messages: [ChatMessage], addGenerationPrompt: Bool) throws -> String {
        try template.render(messages, addGenerationPrompt: addGenerationPrompt, specialTokens: specialTokens)
    }
}

extension ExampleTokenizer {
    /// The examples of a model's own tokenizer: its end tokens, EOS first, and `template` where messages come.
    public init(
        tokenizer: Tokenizer, template: ChatTemplate?, appliesTemplateToText: Bool = false,
        limits: LengthLimits = .none, appendsEOS: Bool = true
    ) throws {
        let ends = [tokenizer.specialTokens.eos?.id].compactMap(\.self) + tokenizer.endIDs
        try self.init(
            encoder: tokenizer,
            renderer: PromptRenderer(
                template: template.map { TokenizerTemplate($0, for: tokenizer) }, appliesToText: appliesTemplateToText),
            limits: limits, appendsEOS: appendsEOS, endTokens: ends)
    }
}
