/// What rendering may cost. Templates come from strangers: one that loops or grows without end ends in an error.
public struct JinjaLimits: Sendable, Equatable {
    /// Operations, each element of a list that is made and every 16 bytes of text that are made.
    public var steps = 1 << 24
    /// Bytes of the text that is rendered.
    public var outputBytes = 1 << 26
    /// Bytes of one string, or elements of one list, on the way.
    public var valueSize = 1 << 24
    /// How deep expressions, statements and calls of macros nest in one another.
    public var nesting = 600

    /// Far more than any chat template needs.
    public init() {}

    /// Levels of lists and mappings in one another; what JSON may bring (256) and some more.
    static let valueDepth = 300
    /// Levels of brackets and blocks in a template's text; jinja2 itself ends before.
    static let syntaxDepth = 100
    /// Levels of one expression, where long sums and chains of filters count as well.
    static let expressionHeight = 250
}
