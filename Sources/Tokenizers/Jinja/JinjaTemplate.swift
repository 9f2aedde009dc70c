import JSON

/// A chat template in Jinja, read once and rendered often.
///
/// It renders what transformers renders from the same text: jinja2's immutable sandbox with `trim_blocks` and
/// `lstrip_blocks`, `break` and `continue`, `{% generation %}`, `raise_exception`, `strftime_now` and a `tojson` that
/// escapes nothing for HTML. What Jinja has and this interpreter has not (`include`, `lipsum` and such) is an error once
/// it is reached.
public struct JinjaTemplate: Sendable {
    /// A text, and which of it the model is to have written.
    public struct Rendering: Sendable, Equatable {
        /// The text.
        public let text: String
        /// What stands in `{% generation %}` blocks, by bytes of the text's UTF-8.
        public let generations: [Range<Int>]
    }

    /// Whether it has `{% generation %}` blocks.
    public let hasGenerations: Bool
    private let program: JinjaProgram

    /// Reads a template.
    ///
    /// - Throws: `JinjaError` where it is none, or nests too deep.
    public init(_ source: String) throws(JinjaError) {
        guard source.utf8.count <= Self.longest else {
            throw JinjaError(.limit, "the template is longer than \(Self.longest) bytes").located(at: 0, in: [])
        }
        var parser = try JinjaParser(source)
        let statements = try parser.template()
        hasGenerations = parser.hasGenerations
        program = JinjaProgram(
            source: parser.source, statements: statements, scopes: JinjaScopes(statements, parser))
    }

    private static let longest = 1 << 20

    /// The variables that it reads, functions of the language left out.
    public var variableNames: [String] {
        zip(program.scopes.globals, program.scopes.functions).filter { $1 == nil }.map(\.0.text)
    }

    /// Whether it reads a variable that comes from outside.
    public func reads(_ name: String) -> Bool { program.scopes.globals.contains { $0.text == name } }

    /// The text that the template makes of some variables.
    ///
    /// - Parameters:
    ///   - variables: What transformers passes: `messages`, `add_generation_prompt`, `tools`, `documents` (`null` where there
    ///     are none), special tokens such as `bos_token`, and what else a template takes.
    ///   - date: What `strftime_now` writes; a template that asks for it fails without.
    /// - Throws: `JinjaError`, of the kind `raised` where the template itself refuses the conversation.
    public func render(
        _ variables: JSONObject, date: JinjaDate? = nil, limits: JinjaLimits = JinjaLimits()
    ) throws(JinjaError) -> String {
        try render(self.variables(variables), date: date, limits: limits)
    }

    /// The same of values as the interpreter has them.
    func render(
        _ variables: JinjaVariables, date: JinjaDate?, limits: JinjaLimits = JinjaLimits()
    ) throws(JinjaError) -> String {
        String(decoding: try run(variables, date, limits).output, as: UTF8.self)
    }

    /// The text, with the parts that `{% generation %}` marks.
    ///
    /// - Throws: `JinjaError`; also where a macro, `set` or `filter` block holds a `generation` block, whose place in the text
    ///   is not known then.
    public func renderWithGenerations(
        _ variables: JSONObject, date: JinjaDate? = nil, limits: JinjaLimits = JinjaLimits()
    ) throws(JinjaError) -> Rendering {
        try renderWithGenerations(self.variables(variables), date: date, limits: limits)
    }

    /// The same of values as the interpreter has them.
    func renderWithGenerations(
        _ variables: JinjaVariables, date: JinjaDate?, limits: JinjaLimits = JinjaLimits()
    ) throws(JinjaError) -> Rendering {
        let interpreter = try run(variables, date, limits)
        if let offset = interpreter.capturedGeneration {
            throw JinjaError(.unsupported, "'generation' in a macro, 'set' or 'filter' block")
                .located(at: offset, in: program.source)
        }
        return Rendering(
            text: String(decoding: interpreter.output, as: UTF8.self), generations: interpreter.generations)
    }

    private func run(
        _ variables: JinjaVariables, _ date: JinjaDate?, _ limits: JinjaLimits
    ) throws(JinjaError) -> JinjaInterpreter {
        let interpreter = JinjaInterpreter(program, limits: limits, date: date)
        do {
            try interpreter.run(variables)
        } catch {
            throw error.located(at: interpreter.offset, in: program.source)
        }
        return interpreter
    }

    /// Takes what a template may be told of these names.
    var noVariables: JinjaVariables { JinjaVariables(program.scopes) }

    private func variables(_ object: JSONObject) throws(JinjaError) -> JinjaVariables {
        var variables = noVariables
        for entry in object.entries { variables.set(entry.key, try JinjaValue(entry.value)) }
        return variables
    }
}

/// The variables that a template is told.
struct JinjaVariables {
    /// Those that the template reads.
    private let names: [JinjaName]
    /// By the same numbers; functions of the language to begin with, and `nil` for what is not told.
    private(set) var values: [JinjaValue?]

    fileprivate init(_ scopes: JinjaScopes) {
        names = scopes.globals
        values = scopes.functions.map { function in function.map { .object(JinjaGlobalFunction($0)) } }
    }

    /// Tells a variable, where the template reads it; the last time counts.
    mutating func set(_ name: String, _ value: JinjaValue) {
        let mark = name.mark
        let number = names.firstIndex { $0.mark == mark && $0.text.isSameText(as: name) }
        if let number { values[number] = value }
    }
}
