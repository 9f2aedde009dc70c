import Foundation

/// A known template text: Jinja with `{{ DEFAULT_SYSTEM }}` where texts differ in the default system message, and
/// `{% anything %}` in place of what is reached only with tools, which are not used here.
struct TemplateForm: Sendable {
    let text: String
    let template: @Sendable (_ defaultSystem: String?) -> ChatTemplate

    private static let hole = TemplateText.Node.output(["DEFAULT_SYSTEM"])
    private static let anything = TemplateText.Node.statement(["anything"])

    /// The template, where `other` is this text.
    func match(_ other: TemplateText) -> ChatTemplate? {
        guard let form = TemplateText(text) else { return nil }
        var system: String?
        return Self.match(form.nodes[...], other.nodes[...], &system) ? template(system) : nil
    }

    private static func match(
        _ form: ArraySlice<TemplateText.Node>, _ other: ArraySlice<TemplateText.Node>, _ system: inout String?
    ) -> Bool {
        var (form, other) = (form, other)
        while let node = form.popFirst() {
            if node == anything { return true }
            guard let found = other.popFirst() else { return false }
            switch (node, found) {
            case (.text(let before), .text(let text)) where form.first == hole:
                guard case .text(let after)? = form.dropFirst().first,
                    let middle = text.utf8.between(before.utf8, after.utf8)
                else { return false }
                system = middle
                form = form.dropFirst(2)
            case (.block(let parts), .block(let otherParts)):
                guard parts.count == otherParts.count else { return false }
                for (part, otherPart) in zip(parts, otherParts) {
                    guard TemplateText.areSame(part.head, otherPart.head),
                        match(part.body[...], otherPart.body[...], &system)
                    else {
                        return false
                    }
                }
            default:
                guard node == found else { return false }
            }
        }
        return other.isEmpty
    }
}

extension ChatTemplate {
    /// The template whose text this is.
    ///
    /// - Parameter text: `chat_template` of a `tokenizer_config.json`, or a `chat_template.jinja`. Differences of style
    ///   (white space that makes no output, quotes, comments) do not count, any other does.
    /// - Throws: `ChatTemplateError.unknownTemplate`. No family is named that the text resembles: it would render other ids.
    public init(recognizing text: String) throws {
        if let other = TemplateText(text) {
            for form in TemplateForm.known {
                if let template = form.match(other) {
                    self = template
                    return
                }
            }
        }
        throw ChatTemplateError.unknownTemplate(known: Family.allCases.map(\.rawValue))
    }

    /// Jinja text that renders as this template does, for a model that is saved; without the tokenizer's BOS where the
    /// template takes one: see ``saved(for:)``.
    public var jinja: String? {
        for form in TemplateForm.known where form.template(options.defaultSystem) == Self(family, savedOptions) {
            // Inside a string literal of the form, so that it must be escaped like one.
            let system = (options.defaultSystem ?? "").unicodeScalars.map { scalar in
                switch scalar {
                case "\\": "\\\\"
                case "'": "\\'"
                case "\n": "\\n"
                default: String(scalar)
                }
            }.joined()
            return form.text.replacingOccurrences(of: "' }}{{ DEFAULT_SYSTEM }}{{ '", with: system)
        }
        return nil
    }

    /// The template as it is saved with this tokenizer: transformers adds no BOS to what a template writes, so that one that
    /// takes the tokenizer's writes it.
    public func saved(for tokenizer: Tokenizer) -> ChatTemplate {
        guard takesTokenizerBOS else { return self }
        var options = savedOptions
        options.writesBOS = tokenizer.addsBOS
        return ChatTemplate(family, options)
    }

    /// A saved text gives transformers no BOS to add, which is what `recognizing` must read out of it again.
    private var savedOptions: Options {
        var saved = options
        if takesTokenizerBOS { saved.takesTokenizerBOS = false }
        return saved
    }
}

extension String.UTF8View {
    /// What stands between a start and an end; `nil` where they are not there.
    fileprivate func between(_ start: String.UTF8View, _ end: String.UTF8View) -> String? {
        guard count >= start.count + end.count, starts(with: start), suffix(end.count).elementsEqual(end) else {
            return nil
        }
        return String(dropFirst(start.count).dropLast(end.count))
    }
}
