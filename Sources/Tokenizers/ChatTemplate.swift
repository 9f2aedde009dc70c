/// How a conversation is written as text: one of the templates that are common among published models.
///
/// A template is named (`init(named:)`) or recognised from the Jinja text that came with a tokenizer (`init(recognizing:)`).
/// What it renders is what transformers' `apply_chat_template` renders from that text; a text that is not known exactly is
/// refused, never guessed at. Tools and roles other than system, user and assistant are not supported.
public struct ChatTemplate: Sendable, Equatable {
    /// What the templates of one family share; the raw value is the name used in configurations.
    public enum Family: String, Sendable, CaseIterable {
        /// `<|im_start|>role`, content, `<|im_end|>`: SmolLM2, Qwen 2 and 2.5, OpenHermes.
        case chatML = "chatml"
        /// `[INST] <<SYS>>`, the system message inside the first user turn, BOS before every user turn.
        case llama2
        /// `<|start_header_id|>role<|end_header_id|>`, content, `<|eot_id|>`.
        case llama3
        /// `<|role|>`, content, EOS.
        case zephyr
        /// `[INST] content [/INST]`.
        case mistral
        /// `\n\nHuman: ` and `\n\nAssistant: `, as in the Anthropic HH data.
        case anthropic
        /// The contents one after another, with nothing between.
        case plain
    }

    /// What differs between the templates of one family.
    struct Options: Sendable, Equatable {
        /// ChatML: the system message where the conversation brings none.
        var defaultSystem: String?
        /// Llama 3.1: the date lines at the head of the system message.
        var systemHeader: String?
        /// Mistral: before `[INST]` and before the assistant's content, and after its EOS.
        var userPrefix = ""
        var assistantPrefix = ""
        var assistantSuffix = ""
        /// Mistral: a system message is allowed, and stands before the first user's content.
        var allowsSystem = true
        /// Llama 2: contents are stripped of surrounding white space.
        var strips = true
        /// Anthropic and plain, which write no special tokens: the ids begin with the tokenizer's BOS, if it adds one.
        var takesTokenizerBOS = true
        /// Anthropic and plain: BOS is part of the text.
        var writesBOS = false
    }

    /// The family.
    public let family: Family
    let options: Options

    init(_ family: Family, _ options: Options = Options()) {
        self.family = family
        self.options = options
    }

    /// The template with this name (`none` is `plain`), in its most common variant: `chatml` without a default system
    /// message, `llama3` without date lines, `mistral` as of Mistral 7B Instruct v0.1 with a system message allowed.
    ///
    /// - Throws: `ChatTemplateError.unknownName` with the nearest known name.
    public init(named name: String) throws {
        let lowercase = name.lowercased()
        guard let family = Family(rawValue: lowercase == "none" ? "plain" : lowercase) else {
            let known = Family.allCases.map(\.rawValue)
            let nearest = known.min { Self.distance($0, lowercase) < Self.distance($1, lowercase) } ?? "chatml"
            throw ChatTemplateError.unknownName(name, nearest: nearest, known: known)
        }
        self.init(family, family == .mistral ? Options(assistantPrefix: " ") : Options())
    }

    /// Whether the template writes no special tokens and its ids begin with the tokenizer's BOS, if that adds one.
    public var takesTokenizerBOS: Bool {
        (family == .anthropic || family == .plain) && options.takesTokenizerBOS
    }

    /// The name of the family.
    public var name: String { family.rawValue }

    /// The number of insertions, deletions and replacements between two names.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let next = min(row[j], row[j + 1], diagonal - (character == right[j] ? 1 : 0)) + 1
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[right.count]
    }
}

extension Tokenizer {
    /// The chat template that came with the tokenizer; `nil` where none did.
    ///
    /// - Throws: `ChatTemplateError.unknownTemplate` where its text is not known.
    public func chatTemplate() throws -> ChatTemplate? {
        try chatTemplateText.map { try ChatTemplate(recognizing: $0) }
    }
}
