/// Why messages cannot be written with a chat template. Every description is one line.
public enum ChatTemplateError: Error, CustomStringConvertible, Sendable, Equatable {
    /// A text that is no template.
    case unreadable(JinjaError, template: String)
    /// A name that no template has.
    case unknownName(String, nearest: String, known: [String])
    /// A model has templates by name, and none that is the default.
    case noStandard(names: [String])
    /// The template writes a token that the tokenizer does not name.
    case missingToken(String, template: String)
    /// The template has no form for this conversation.
    case invalidMessages(String, template: String)
    /// The ids begin with two BOS tokens: the template and the text, or the tokenizer, both put one.
    case doubleBOS(template: String)

    /// One line: what is wrong, and a way out.
    public var description: String {
        switch self {
        case .unreadable(let error, let template):
            "the chat template \(template) cannot be read: \(error)"
        case .unknownName(let name, let nearest, let known):
            "unknown chat template \(name.debugDescription); did you mean \(nearest)? "
                + "Known: \(known.joined(separator: ", "))"
        case .noStandard(let names):
            "the model's chat templates are \(names.joined(separator: ", ")), and none of them is its default; name one as "
                + "chat_template"
        case .missingToken(let token, let template):
            "chat template \(template) needs \(token), which the tokenizer does not name; add it to tokenizer_config.json"
        case .invalidMessages(let reason, let template):
            "chat template \(template): \(reason)"
        case .doubleBOS(let template):
            "chat template \(template): the text begins with two BOS tokens; remove the one in the messages"
        }
    }
}
