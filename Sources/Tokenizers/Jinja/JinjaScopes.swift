/// Where each name of a template finds its value, worked out before anything is rendered.
///
/// The rules are those of jinja2's compiler: a loop's body, a block's and a macro's have scopes of their own; what one of
/// them assigns begins as a copy of the outer variable and is gone at its end; branches of `if` share the scope around
/// them; a macro sees the variables around it as they are when it is called.
struct JinjaScopes: Sendable {
    /// A variable: how many calls outwards its frame lies, and its slot there.
    struct Place: Sendable {
        var hops: Int
        var slot: Int
    }

    /// What a variable of a scope begins as.
    enum Start: Sendable {
        case missing
        case copy(Place)
        /// What the caller of the template passes, or a function of the language, by its number in ``JinjaScopes/globals``.
        case global(Int)
    }

    struct Scope: Sendable {
        var starts: [(slot: Int, start: Start)] = []
        /// The slots of a frame, where the scope is called (that of a macro, say) rather than entered.
        var frameSize = 0
    }

    /// By the number of a name.
    let places: [Place]
    /// By the number of a scope.
    let scopes: [Scope]
    /// The names that come from outside.
    let globals: [JinjaName]
    /// The functions of the language by the same numbers.
    let functions: [JinjaGlobalFunction.Kind?]

    init(_ statements: [JinjaStatement], _ parser: JinjaParser) {
        var resolver = JinjaScopeResolver(parser)
        resolver.resolve(statements)
        (places, scopes, globals) = (resolver.places, resolver.layouts, resolver.globals.map(JinjaName.init))
        functions = globals.map { JinjaGlobalFunction.Kind(rawValue: $0.text) }
    }
}

/// Finds the places of names, scope by scope.
private struct JinjaScopeResolver {
    private let variables: [JinjaVariable]
    private(set) var places: [JinjaScopes.Place]
    private(set) var layouts: [JinjaScopes.Scope]
    private(set) var globals: [String] = []
    private var globalNumbers: [String: Int] = [:]

    init(_ parser: JinjaParser) {
        variables = parser.variables
        places = Array(repeating: .init(hops: 0, slot: 0), count: parser.variables.count)
        layouts = Array(repeating: .init(), count: parser.scopes)
    }

    mutating func resolve(_ statements: [JinjaStatement]) {
        let scope = JinjaScope(parent: nil, function: JinjaScopeFunction(parent: nil))
        for statement in statements { scope.collect(statement, variables) }
        finish(scope, number: 0, statements)
        layouts[0].frameSize = scope.function.size
    }

    /// Writes a scope's layout, then resolves the names of its statements and the scopes in it.
    private mutating func finish(_ scope: JinjaScope, number: Int, _ statements: [JinjaStatement]) {
        for (name, load) in scope.layer.loads {
            let start: JinjaScopes.Start
            switch load {
            case .parameter: continue
            case .missing: start = .missing
            case .global: start = .global(global(name))
            case .outer:
                guard let place = scope.parent?.place(of: name, from: scope.function) else { continue }
                start = .copy(place)
            }
            layouts[number].starts.append((scope.slot(of: name), start))
        }
        for statement in statements { resolve(statement, in: scope) }
    }

    private mutating func global(_ name: String) -> Int {
        if let number = globalNumbers[name] { return number }
        globals.append(name)
        globalNumbers[name] = globals.count - 1
        return globals.count - 1
    }

    private mutating func resolve(_ number: Int, in scope: JinjaScope) {
        if let place = scope.place(of: variables[number].name, from: scope.function) { places[number] = place }
    }

    private mutating func resolve(_ expression: JinjaExpression, in scope: JinjaScope) {
        var numbers: [Int] = []
        expression.collectNames(into: &numbers)
        for number in numbers { resolve(number, in: scope) }
    }

    private mutating func resolve(_ target: JinjaTarget, in scope: JinjaScope) {
        for number in target.names { resolve(number, in: scope) }
    }

    private mutating func resolve(_ filters: [JinjaFilterCall], in scope: JinjaScope) {
        var numbers: [Int] = []
        for filter in filters { filter.arguments.collectNames(into: &numbers) }
        for number in numbers { resolve(number, in: scope) }
    }

    private mutating func resolve(_ statement: JinjaStatement, in scope: JinjaScope) {
        switch statement {
        case .text, .breakLoop, .continueLoop, .unsupported: break
        case .print(let statement): resolve(statement.value, in: scope)
        case .conditional(let conditional):
            for branch in conditional.branches {
                resolve(branch.test, in: scope)
                for statement in branch.body { resolve(statement, in: scope) }
            }
            for statement in conditional.otherwise { resolve(statement, in: scope) }
        case .loop(let loop): resolve(loop, in: scope)
        case .set(let statement):
            resolve(statement.target, in: scope)
            resolve(statement.value, in: scope)
        case .setBlock(let target, let filters, let body, let number, _):
            resolve(target, in: scope)
            let inner = JinjaScope(parent: scope, function: scope.function)
            for statement in body { inner.collect(statement, variables) }
            inner.collectFilters(filters, variables)
            finish(inner, number: number, body)
            resolve(filters, in: inner)
        case .macro(let macro, let target):
            resolve(target, in: scope)
            resolve(macro, in: scope)
        case .call(let call, let body):
            resolve(call, in: scope)
            resolve(body, in: scope)
        case .filter(let filters, let body, let number):
            let inner = JinjaScope(parent: scope, function: scope.function)
            for statement in body { inner.collect(statement, variables) }
            inner.collectFilters(filters, variables)
            finish(inner, number: number, body)
            resolve(filters, in: inner)
        case .with(let values, let body, let number, _):
            let inner = JinjaScope(parent: scope, function: scope.function)
            for value in values { inner.declare(value.target, variables) }
            for statement in body { inner.collect(statement, variables) }
            finish(inner, number: number, body)
            for value in values {
                resolve(value.target, in: inner)
                resolve(value.value, in: scope)
            }
        case .generation(let body, _): resolve(body, in: scope)
        }
    }

    private mutating func resolve(_ loop: JinjaLoopStatement, in scope: JinjaScope) {
        resolve(loop.iterable, in: scope)
        let function = loop.isRecursive ? JinjaScopeFunction(parent: scope.function) : scope.function
        let body = JinjaScope(parent: scope, function: function)
        if let number = loop.loop {
            body.declare(variables[number].name)
        }
        body.declare(loop.target, variables)
        for statement in loop.body { body.collect(statement, variables) }
        finish(body, number: loop.scope, loop.body)
        resolve(loop.target, in: body)
        if let number = loop.loop { resolve(number, in: body) }
        let otherwise = JinjaScope(parent: scope, function: function)
        for statement in loop.otherwise { otherwise.collect(statement, variables) }
        finish(otherwise, number: loop.otherwiseScope, loop.otherwise)
        if let filter = loop.filter {
            let inner = JinjaScope(parent: scope, function: function)
            inner.declare(filter.target, variables)
            inner.collect(filter.test, variables)
            finish(inner, number: filter.scope, [])
            resolve(filter.target, in: inner)
            resolve(filter.test, in: inner)
        }
        if loop.isRecursive { layouts[loop.scope].frameSize = function.size }
    }

    private mutating func resolve(_ macro: JinjaMacro, in scope: JinjaScope) {
        let inner = JinjaScope(parent: scope, function: JinjaScopeFunction(parent: scope.function))
        for parameter in macro.parameters { inner.declare(parameter.name) }
        for number in macro.special { inner.declare(variables[number].name) }
        for parameter in macro.parameters {
            if let value = parameter.defaultValue { inner.collect(value, variables) }
        }
        for statement in macro.body { inner.collect(statement, variables) }
        finish(inner, number: macro.scope, macro.body)
        for parameter in macro.parameters {
            resolve(parameter.variable, in: inner)
            if let value = parameter.defaultValue { resolve(value, in: inner) }
        }
        for number in macro.special { resolve(number, in: inner) }
        layouts[macro.scope].frameSize = inner.function.size
    }
}

extension JinjaMacro {
    /// The variables that are not among the parameters.
    var special: [Int] { [caller, keywords, rest].compactMap { $0 } }
}

extension JinjaTarget {
    /// The numbers of the names in it, those of namespaces among them.
    var names: [Int] {
        switch self {
        case .name(let number), .attribute(let number, _, _): [number]
        case .tuple(let targets): targets.flatMap(\.names)
        }
    }
}
