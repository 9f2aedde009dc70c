/// What is called as one and has a frame: the template, a macro, a recursive loop.
final class JinjaScopeFunction {
    let parent: JinjaScopeFunction?
    var size = 0

    init(parent: JinjaScopeFunction?) { self.parent = parent }
}

/// The names of one scope while they are collected.
final class JinjaScope {
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

    let parent: JinjaScope?
    let function: JinjaScopeFunction
    private(set) var layer = Layer(on: nil)
    private var slots: [String: Int] = [:]

    init(parent: JinjaScope?, function: JinjaScopeFunction) {
        self.parent = parent
        self.function = function
    }

    func slot(of name: String) -> Int {
        if let slot = slots[name] { return slot }
        slots[name] = function.size
        function.size += 1
        return function.size - 1
    }

    func place(of name: String, from function: JinjaScopeFunction) -> JinjaScopes.Place? {
        guard let scope = owner(of: name) else { return nil }
        var (hops, current) = (0, function)
        while current !== scope.function, let outer = current.parent {
            current = outer
            hops += 1
        }
        return .init(hops: hops, slot: scope.slot(of: name))
    }

    private func owner(of name: String) -> JinjaScope? {
        var scope: JinjaScope? = self
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
        case .print(let statement): collect(statement.value, variables)
        case .conditional(let statement): collect(statement.branches[...], statement.otherwise, variables)
        case .loop(let loop): collect(loop.iterable, variables)
        case .set(let statement):
            collect(statement.value, variables)
            collect(statement.target, variables)
        case .setBlock(let target, _, _, _, _): collect(target, variables)
        case .macro(_, let target): note(target, variables)
        case .call(let call, _): collect(call, variables)
        case .filter(let filters, _, _): collectFilters(filters, variables)
        case .with(let values, _, _, _): for value in values { collect(value.value, variables) }
        case .generation: break
        }
    }

    /// Notes the names of branches. What only some of them assign is, in the others, what it is outside.
    private func collect(
        _ branches: ArraySlice<JinjaConditionalStatement.Branch>, _ otherwise: [JinjaStatement],
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
