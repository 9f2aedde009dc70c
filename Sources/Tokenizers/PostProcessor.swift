/// The ids that are put before and after a text that is encoded with special tokens.
struct PostProcessor: Sendable {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    /// - Parameter node: `post_processor` of a `tokenizer.json`; `nil` where it has none.
    init(_ node: LocatedJSON?) throws {
        if let node { try apply(node) }
    }

    /// Puts nothing around a text.
    mutating func clear() { (prefix, suffix) = ([], []) }

    private mutating func apply(_ node: LocatedJSON) throws {
        let type = try node.required("type").string()
        switch type {
        case "ByteLevel":
            // Only changes offsets, which are not kept here.
            break
        case "Sequence":
            for child in try node.required("processors").array() { try apply(child) }
        case "TemplateProcessing":
            try applyTemplate(node)
        default:
            throw node.unsupported("post-processor \(type)")
        }
    }

    private static let maximumTokens = 256

    private mutating func applyTemplate(_ node: LocatedJSON) throws {
        let specialTokens = try node["special_tokens"]?.members() ?? []
        var before: [Int32] = []
        var after: [Int32] = []
        var texts = 0
        for piece in try node.required("single").array() {
            if piece["Sequence"] != nil {
                texts += 1
                continue
            }
            let name = try piece.required("SpecialToken").required("id").string()
            guard let token = specialTokens.last(where: { $0.key == name }) else {
                throw piece.invalid("\(name.debugDescription) is not among special_tokens")
            }
            let ids = try token.value.required("ids").array().map {
                Int32(try $0.integer(in: 0...Vocabulary.maximumID))
            }
            if texts == 0 { before += ids } else { after += ids }
            guard before.count + after.count <= Self.maximumTokens else {
                throw node.unsupported("a template that adds more than \(Self.maximumTokens) tokens")
            }
        }
        guard texts == 1 else { throw node.unsupported("a template with the text \(texts) times") }
        prefix = before + prefix
        suffix += after
    }
}
