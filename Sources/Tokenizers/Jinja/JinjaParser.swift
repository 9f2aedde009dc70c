/// Reads a template's words into statements: jinja2's grammar with the extensions that transformers loads (`break`,
/// `continue` and `generation`).
struct JinjaParser {
    /// The names that are read or written, in the order of the text; statements say them by their numbers.
    var variables: [JinjaVariable] = []
    /// The number of scopes; that of the whole template is 0.
    var scopes = 1
    let source: [UInt8]
    private let tokens: [JinjaToken]
    private(set) var index = 0
    private var depth = 0
    /// Loops around what is read, up to the next macro: what `break` may leave.
    var loops = 0
    /// Whether a `generation` block was read.
    var hasGenerations = false

    init(_ text: String) throws(JinjaError) {
        var lexer = JinjaLexer(text)
        source = lexer.source
        tokens = try lexer.read()
    }

    /// The whole template.
    mutating func template() throws(JinjaError) -> [JinjaStatement] {
        let statements = try self.statements(until: [])
        guard token.kind == .end else { throw unexpected("a statement") }
        return statements
    }
}

/// A name at one place of a template.
struct JinjaVariable {
    let name: String
    let isStored: Bool
}

// MARK: Words

extension JinjaParser {
    var token: JinjaToken { tokens[index] }

    func isSymbol(_ symbol: JinjaSymbol) -> Bool { token.kind == .symbol(symbol) }

    func isName(_ name: String) -> Bool { Self.isName(name, token) }

    /// Whether the word after the next is this name.
    func isNameNext(_ name: String) -> Bool { index + 1 < tokens.count && Self.isName(name, tokens[index + 1]) }

    func isSymbolNext(_ symbol: JinjaSymbol) -> Bool {
        index + 1 < tokens.count && tokens[index + 1].kind == .symbol(symbol)
    }

    mutating func advance() {
        if index + 1 < tokens.count { index += 1 }
    }

    mutating func skip(_ symbol: JinjaSymbol) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isName(name) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: JinjaSymbol) throws(JinjaError) {
        guard skip(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
    }

    mutating func expect(name: String) throws(JinjaError) {
        guard skip(name: name) else { throw unexpected("'\(name)'") }
    }

    mutating func expectBlockEnd() throws(JinjaError) {
        guard token.kind == .blockEnd else { throw unexpected("'%}'") }
        advance()
    }

    mutating func expectName(_ what: String) throws(JinjaError) -> String {
        guard case .name(let name) = token.kind else { throw unexpected(what) }
        advance()
        return name
    }

    func unexpected(_ expected: String) -> JinjaError { error("\(expected) is expected, not \(token.description)") }

    func error(_ message: String, at offset: Int? = nil) -> JinjaError {
        JinjaError(.syntax, message).located(at: offset ?? token.offset, in: source)
    }

    /// Numbers an occurrence of a name.
    mutating func variable(_ name: String, isStored: Bool) -> Int {
        variables.append(JinjaVariable(name: name, isStored: isStored))
        return variables.count - 1
    }

    mutating func newScope() -> Int {
        scopes += 1
        return scopes - 1
    }

    /// The template's text from a byte to the next word, for errors about what is missing at run time.
    func undefined(from start: Int) -> JinjaUndefined {
        let end = index > 0 ? min(token.offset, source.count) : start
        let isLong = end - start > 100
        let text = String(decoding: source[start..<max(start, isLong ? start + 100 : end)], as: UTF8.self)
        return JinjaUndefined(text.split { $0.isWhitespace }.joined(separator: " ") + (isLong ? "..." : ""))
    }

    /// Enters a level of brackets or blocks; ``leave()`` ends it.
    mutating func enter() throws(JinjaError) {
        depth += 1
        guard depth <= JinjaLimits.syntaxDepth else {
            throw JinjaError(.limit, "brackets and blocks nest deeper than \(JinjaLimits.syntaxDepth) levels")
                .located(at: token.offset, in: source)
        }
    }

    mutating func leave() { depth -= 1 }

    private static func isName(_ name: String, _ token: JinjaToken) -> Bool {
        if case .name(name) = token.kind { true } else { false }
    }
}
