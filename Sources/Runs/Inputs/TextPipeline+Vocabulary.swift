import Tokenizers
import Transformers

extension TextPipeline {
    /// Says which tokens a model has no row for, and what to do; `nil` where it has one for every token. More rows than
    /// tokens do no harm: many models fill their tables up.
    ///
    /// - Parameter name: What the model is called in the message.
    package func tokensWithoutRow(in model: ModelConfiguration, _ name: String) -> (problem: String, remedy: String)? {
        let (count, rows) = (tokenizer.vocabularySize, model.vocabularySize)
        guard count > rows else { return nil }
        let problem = "the tokenizer has \(count) tokens, but \(name) only \(rows) (its vocab_size)"
        let past = (Int32(rows)..<Int32(count)).filter { tokenizer.token(of: $0) != nil }
        // A few tokens that were added by hand, such as <pad>, are not the sign of another model's tokenizer.
        guard past.count <= 8, past.allSatisfy({ tokenizer.isAdded($0) }) else {
            return (problem, "use the tokenizer that belongs to the model")
        }
        let names = past.compactMap { id in tokenizer.token(of: id).map { "'\($0)' (\(id))" } }
        return (
            problem + ": " + names.joined(separator: ", ") + " past the end of its embedding table",
            "take \(names.count == 1 ? "it" : "them") out of tokenizer.json and tokenizer_config.json (nothing is padded "
                + "here), or save the model with rows for \(names.count == 1 ? "it" : "them")"
        )
    }
}
