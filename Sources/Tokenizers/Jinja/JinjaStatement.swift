/// What a template does. Each case is one reference, so that to go through statements copies little.
enum JinjaStatement {
    case text(JinjaText)
    case print(JinjaPrintStatement)
    case conditional(JinjaConditionalStatement)
    case loop(JinjaLoopStatement)
    case set(JinjaSetStatement)
    indirect case setBlock(JinjaTarget, [JinjaFilterCall], [JinjaStatement], scope: Int, at: Int)
    indirect case macro(JinjaMacro, target: Int)
    /// `{% call %}`: a macro's call that may ask for the body with `caller()`.
    indirect case call(JinjaCall, body: JinjaMacro)
    indirect case filter([JinjaFilterCall], [JinjaStatement], scope: Int)
    indirect case with([(target: JinjaTarget, value: JinjaExpression)], [JinjaStatement], scope: Int, at: Int)
    /// `{% generation %}`: text that the model is to have written.
    indirect case generation(JinjaMacro, at: Int)
    case breakLoop
    case continueLoop
    /// A statement of Jinja that this interpreter refuses once it is reached.
    indirect case unsupported(String, at: Int)
}

/// Text between tags.
final class JinjaText {
    let text: String

    init(_ text: String) { self.text = text }
}

/// `{{ value }}`.
final class JinjaPrintStatement {
    let value: JinjaExpression

    init(_ value: JinjaExpression) { self.value = value }
}

/// `{% if %}`.
final class JinjaConditionalStatement {
    typealias Branch = (test: JinjaExpression, body: [JinjaStatement])
    let test: JinjaExpression
    let body: [JinjaStatement]
    /// After `elif`.
    let alternatives: [Branch]
    let otherwise: [JinjaStatement]

    init(_ first: Branch, _ alternatives: [Branch], otherwise: [JinjaStatement]) {
        (test, body) = first
        self.alternatives = alternatives
        self.otherwise = otherwise
    }

    var branches: [Branch] { [(test, body)] + alternatives }
}

/// `{% set %}` of a value.
final class JinjaSetStatement {
    let target: JinjaTarget
    let value: JinjaExpression
    let offset: Int

    init(_ target: JinjaTarget, _ value: JinjaExpression, at offset: Int) {
        (self.target, self.value, self.offset) = (target, value, offset)
    }
}

/// `{% for %}`.
final class JinjaLoopStatement {
    let target: JinjaTarget
    let iterable: JinjaExpression
    /// After `if`; it has a scope of its own, with targets of its own.
    let filter: (test: JinjaExpression, target: JinjaTarget, scope: Int)?
    let isRecursive: Bool
    let body: [JinjaStatement]
    let otherwise: [JinjaStatement]
    /// Of the body and of what stands in its place where there are no elements.
    let scope: Int, otherwiseScope: Int
    /// The variable `loop`, where the body reads it.
    let loop: Int?
    let offset: Int

    init(
        target: JinjaTarget, iterable: JinjaExpression,
        filter: (test: JinjaExpression, target: JinjaTarget, scope: Int)?,
        isRecursive: Bool, body: [JinjaStatement], otherwise: [JinjaStatement], scope: Int, otherwiseScope: Int,
        loop: Int?, offset: Int
    ) {
        self.target = target
        self.iterable = iterable
        self.filter = filter
        self.isRecursive = isRecursive
        self.body = body
        self.otherwise = otherwise
        self.scope = scope
        self.otherwiseScope = otherwiseScope
        self.loop = loop
        self.offset = offset
    }
}

/// `{% macro %}`, and the bodies of `{% call %}` and `{% generation %}`.
final class JinjaMacro {
    struct Parameter {
        let name: String
        let variable: Int
        let defaultValue: JinjaExpression?
    }

    let name: String?
    let parameters: [Parameter]
    let body: [JinjaStatement]
    let scope: Int
    /// The variables of these names, where the body reads them and no parameter is called so.
    let caller: Int?, keywords: Int?, rest: Int?

    init(
        name: String?, parameters: [Parameter], body: [JinjaStatement], scope: Int, caller: Int?, keywords: Int?,
        rest: Int?
    ) {
        self.name = name
        self.parameters = parameters
        self.body = body
        self.scope = scope
        self.caller = caller
        self.keywords = keywords
        self.rest = rest
    }
}

/// What an assignment writes to.
enum JinjaTarget {
    case name(Int)
    indirect case tuple([JinjaTarget])
    /// An attribute of a namespace.
    indirect case attribute(Int, JinjaUndefined, String)
}
