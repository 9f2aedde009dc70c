import Foundation
import PreferenceData
import Tokenizers

/// Texts as JSON lists of token ids, a line each.
public struct LineTokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let addsSpecialTokens: Bool

    /// Reads the tokenizer of a directory.
    ///
    /// - Parameter addsSpecialTokens: Whether ids include what the tokenizer puts around a text, such as BOS.
    public init(model: String, addsSpecialTokens: Bool) throws {
        tokenizer = try Tokenizer(directory: URL(filePath: model))
        self.addsSpecialTokens = addsSpecialTokens
    }

    /// The ids of a text, such as `[1, 403, 7]`.
    public func ids(of text: String) -> String {
        JSON(ids: tokenizer.encode(text, addSpecialTokens: addsSpecialTokens)).line
    }
}

extension JSON {
    /// A list of token ids.
    init(ids: [Int32]) { self = .array(ids.map { .number(Int($0)) }) }
}
