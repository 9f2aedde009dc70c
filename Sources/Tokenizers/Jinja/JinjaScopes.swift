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
    let globals: [String]

    init(_ statements: [JinjaStatement], _ parser: JinjaParser) {
        var resolver = JinjaScopeResolver(parser)
        resolver.resolve(statements)
        (places, scopes, globals) = (resolver.places, resolver.layouts, resolver.globals)
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
        let scope = Scope(parent: nil, function: Function(parent: nil))
        for statement in statements { scope.collect(statement, variables) }
        finish(scope, number: 0, statements)
        layouts[0].frameSize = scope.function.size
    }

    /// Writes a scope's layout, then resolves the names of its statements and the scopes in it.
    private mutating func finish(_ scope: Scope, number: Int, _ statements: [JinjaStatement]) {
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

    private mutating func resolve(_ number: Int, in scope: Scope) {
        if let place = scope.place(of: variables[number].name, from: scope.function) { places[number] = place }
    }

    private mutating func resolve(_ expression: JinjaExpression, in scope: Scope) {
        var numbers: [Int] = []
        expression.collectNames(into: &numbers)
        for number in numbers { resolve(number, in: scope) }
    }

    private mutating func resolve(_ target: JinjaTarget, in scope: Scope) {
        for number in target.names { resolve(number, in: scope) }
    }

    private mutating func resolve(_ filters: [JinjaFilterCall], in scope: Scope) {
        var numbers: [Int] = []
        for filter in filters { filter.arguments.collectNames(into: &numbers) }
        for number in numbers { resolve(number, in: scope) }
    }

    private mutating func resolve(_ statement: JinjaStatement, in scope: Scope) {
        switch statement {
        case .text, .breakLoop, .continueLoop, .unsupported: break
        case .print(let expression): resolve(expression, in: scope)
        case .conditional(let branches, let otherwise):
            for branch in branches {
                resolve(branch.test, in: scope)
                for statement in branch.body { resolve(statement, in: scope) }
            }
            for statement in otherwise { resolve(statement, in: scope) }
        case .loop(let loop): resolve(loop, in: scope)
        case .set(let target, let value, _):
            resolve(target, in: scope)
            resolve(value, in: scope)
        case .setBlock(let target, let filters, let body, let number, _):
            resolve(target, in: scope)
            let inner = Scope(parent: scope, function: scope.function)
            for statement in body { inner.collect(statement, variables) }
            inner.collectFilters(filters, variables)
            finish(inner, number: number, body)
            resolve(filters, in: inner)
        case .macro(let macro, let target):
            resolve(target, in: scope)
            resolve(macro, in: scope)
        case .call(let callee, let call, let body):
            resolve(.call(callee, call), in: scope)
            resolve(body, in: scope)
        case .filter(let filters, let body, let number):
            let inner = Scope(parent: scope, function: scope.function)
            for statement in body { inner.collect(statement, variables) }
            inner.collectFilters(filters, variables)
            finish(inner, number: number, body)
            resolve(filters, in: inner)
        case .with(let values, let body, let number, _):
            let inner = Scope(parent: scope, function: scope.function)
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

    private mutating func resolve(_ loop: JinjaLoopStatement, in scope: Scope) {
        resolve(loop.iterable, in: scope)
        let function = loop.isRecursive ? Function(parent: scope.function) : scope.function
        let body = Scope(parent: scope, function: function)
        if let number = loop.loop {
            body.declare(variables[number].name)
        }
        body.declare(loop.target, variables)
        for statement in loop.body { body.collect(statement, variables) }
        finish(body, number: loop.scope, loop.body)
        resolve(loop.target, in: body)
        if let number = loop.loop { resolve(number, in: body) }
        let otherwise = Scope(parent: scope, function: function)
        for statement in loop.otherwise { otherwise.collect(statement, variables) }
        finish(otherwise, number: loop.otherwiseScope, loop.otherwise)
        if let filter = loop.filter {
            let inner = Scope(parent: scope, function: function)
            inner.declare(filter.target, variables)
            inner.collect(filter.test, variables)
            finish(inner, number: filter.scope, [])
            resolve(filter.target, in: inner)
            resolve(filter.test, in: inner)
        }
        if loop.isRecursive { layouts[loop.scope].frameSize = function.size }
    }

    private mutating func resolve(_ macro: JinjaMacro, in scope: Scope) {
        let inner = Scope(parent: scope, function: Function(parent: scope.function))
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

/// What is called as one and has a frame: the template, a macro, a recursive loop.
private final class Function {
    let parent: Function?
    var size = 0

    init(parent: Function?) { self.parent = parent }
}

/// The names of one scope while they are collected.
private final class Scope {
    enum Load {
        case parameter, missing, outer, global
    }

    /// Names that are known, by what branches of `if` add to those before them.
    final class Layer {
        let base: Layer?
        var loads: [String: Load] = [:]
        var stores: Set<String> = []

        init(on base: Layer?) { self.base = base }

        func has(_ name: String) -> Bool { loads[name] != nil || base?.has(name) ?? false }
        func stored(_ name: String) -> Bool { stores.contains(name) || base?.stored(name) ?? false }
    }

    let parent: Scope?
    let function: Function
    private(set) var layer = Layer(on: nil)
    private var slots: [String: Int] = [:]

    init(parent: Scope?, function: Function) {
        self.parent = parent
        self.function = function
    }

    func slot(of name: String) -> Int {
        if let slot = slots[name] { return slot }
        slots[name] = function.size
        function.size += 1
        return function.size - 1
    }

    func place(of name: String, from function: Function) -> JinjaScopes.Place? {
        guard let scope = owner(of: name) else { return nil }
        var (hops, current) = (0, function)
        while current !== scope.function, let outer = current.parent {
            current = outer
            hops += 1
        }
        return .init(hops: hops, slot: scope.slot(of: name))
    }

    private func owner(of name: String) -> Scope? {
        var scope: Scope? = self
        while let current = scope, !current.layer.has(name) { scope = current.parent }
        return scope
    }

    func declare(_ name: String) {
        layer.stores.insert(name)
        layer.loads[name] = .parameter
    }

    func declare(_ target: JinjaTarget, _ variables: [JinjaVariable]) {
        for number in target.names { declare(variables[number].name) }
    }

    private func load(_ name: String) {
        if owner(of: name) == nil { layer.loads[name] = .global }
    }

    private func store(_ name: String) {
        layer.stores.insert(name)
        if !layer.has(name) { layer.loads[name] = parent?.owner(of: name) != nil ? .outer : .missing }
    }

    private func note(_ number: Int, _ variables: [JinjaVariable]) {
        let variable = variables[number]
        if variable.isStored { store(variable.name) } else { load(variable.name) }
    }

    func collect(_ expression: JinjaExpression, _ variables: [JinjaVariable]) {
        var numbers: [Int] = []
        expression.collectNames(into: &numbers)
        for number in numbers { note(number, variables) }
    }

    func collectFilters(_ filters: [JinjaFilterCall], _ variables: [JinjaVariable]) {
        var numbers: [Int] = []
        for filter in filters { filter.arguments.collectNames(into: &numbers) }
        for number in numbers { note(number, variables) }
    }

    private func collect(_ target: JinjaTarget, _ variables: [JinjaVariable]) {
        for number in target.names { note(number, variables) }
    }

    /// Notes the names that a statement reads and writes in this scope, not in those inside it.
    func collect(_ statement: JinjaStatement, _ variables: [JinjaVariable]) {
        switch statement {
        case .text, .breakLoop, .continueLoop, .unsupported: break
        case .print(let expression): collect(expression, variables)
        case .conditional(let branches, let otherwise): collect(branches[...], otherwise, variables)
        case .loop(let loop): collect(loop.iterable, variables)
        case .set(let target, let value, _):
            collect(value, variables)
            collect(target, variables)
        case .setBlock(let target, _, _, _, _): collect(target, variables)
        case .macro(_, let target): note(target, variables)
        case .call(let callee, let call, _): collect(.call(callee, call), variables)
        case .filter(let filters, _, _): collectFilters(filters, variables)
        case .with(let values, _, _, _): for value in values { collect(value.value, variables) }
        case .generation: break
        }
    }

    /// Notes the names of branches. What only some of them assign is, in the others, what it is outside.
    private func collect(
        _ branches: ArraySlice<(test: JinjaExpression, body: [JinjaStatement])>, _ otherwise: [JinjaStatement],
        _ variables: [JinjaVariable]
    ) {
        guard let first = branches.first else { return }
        collect(first.test, variables)
        let base = layer
        let branched = [
            branch(on: base) { for statement in first.body { collect(statement, variables) } },
            branch(on: base) {
                for branch in branches.dropFirst() { collect([branch], [], variables) }
            },
            branch(on: base) { for statement in otherwise { collect(statement, variables) } },
        ]
        let stores = branched.reduce(into: Set<String>()) { $0.formUnion($1.stores) }.filter { !base.stored($0) }
        for branch in branched {
            base.loads.merge(branch.loads) { $1 }
            base.stores.formUnion(branch.stores)
        }
        for name in stores { base.loads[name] = parent?.owner(of: name) != nil ? .outer : .global }
    }

    private func branch(on base: Layer, _ collect: () -> Void) -> Layer {
        layer = Layer(on: base)
        collect()
        defer { layer = base }
        return layer
    }
}

extension JinjaMacro {
    /// The variables that are not among the parameters.
    fileprivate var special: [Int] { [caller, keywords, rest].compactMap { $0 } }
}

extension JinjaTarget {
    /// The numbers of the names in it, those of namespaces among them.
    fileprivate var names: [Int] {
        switch self {
        case .name(let number), .attribute(let number, _, _): [number]
        case .tuple(let targets): targets.flatMap(\.names)
        }
    }
}

extension JinjaArgumentList {
    fileprivate func collectNames(into numbers: inout [Int]) {
        for argument in positional { argument.collectNames(into: &numbers) }
        for argument in keywords { argument.value.collectNames(into: &numbers) }
        spread?.collectNames(into: &numbers)
        spreadKeywords?.collectNames(into: &numbers)
    }
}

extension JinjaExpression {
    /// The numbers of the names in it.
    fileprivate func collectNames(into numbers: inout [Int]) {
        switch self {
        case .constant: break
        case .name(let number, _): numbers.append(number)
        case .list(let items), .tuple(let items), .concatenation(let items, _):
            for item in items { item.collectNames(into: &numbers) }
        case .mapping(let entries):
            for entry in entries {
                entry.key.collectNames(into: &numbers)
                entry.value.collectNames(into: &numbers)
            }
        case .attribute(let base, _, _, _), .negative(let base, _), .positive(let base, _), .not(let base):
            base.collectNames(into: &numbers)
        case .item(let left, let right, _, _), .and(let left, let right), .or(let left, let right),
            .binary(_, let left, let right, _):
            left.collectNames(into: &numbers)
            right.collectNames(into: &numbers)
        case .slice(let base, let start, let stop, let step, _):
            base.collectNames(into: &numbers)
            for part in [start, stop, step] { part?.collectNames(into: &numbers) }
        case .call(let callee, let call):
            callee.collectNames(into: &numbers)
            call.arguments.collectNames(into: &numbers)
        case .filter(let base, let call):
            base.collectNames(into: &numbers)
            call.arguments.collectNames(into: &numbers)
        case .test(let base, let call):
            base.collectNames(into: &numbers)
            call.arguments.collectNames(into: &numbers)
        case .comparison(let first, let operands, _):
            first.collectNames(into: &numbers)
            for operand in operands { operand.operand.collectNames(into: &numbers) }
        case .conditional(let test, let then, let otherwise, _):
            test.collectNames(into: &numbers)
            then.collectNames(into: &numbers)
            otherwise?.collectNames(into: &numbers)
        }
    }
}
