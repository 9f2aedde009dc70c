/// A literal.
final class JinjaConstantExpression: JinjaExpression {
    let constant: JinjaConstant

    init(_ constant: JinjaConstant) { self.constant = constant }

    override func collectNames(into numbers: inout [Int]) {}

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.step()
        return JinjaValue(constant)
    }

    override func append(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue? {
        try interpreter.step()
        guard case .string(let text) = constant else { return JinjaValue(constant) }
        interpreter.append(text)
        return nil
    }
}

/// What a literal says.
enum JinjaConstant: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
}

/// A variable.
final class JinjaNameExpression: JinjaExpression {
    /// Its number among the names that a template writes.
    let variable: Int
    let undefined: JinjaUndefined

    init(_ variable: Int, _ undefined: JinjaUndefined) { (self.variable, self.undefined) = (variable, undefined) }

    override func collectNames(into numbers: inout [Int]) { numbers.append(variable) }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.step()
        return interpreter.value(of: variable, frame) ?? .undefined(undefined)
    }

    override func isTrue(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> Bool {
        try interpreter.step()
        return interpreter.value(of: variable, frame)?.isTrue ?? false
    }
}

/// `[a, b]`, or `(a, b)`.
final class JinjaListExpression: JinjaExpression {
    private let items: [JinjaExpression]
    private let isTuple: Bool

    init(_ items: [JinjaExpression], isTuple: Bool) { (self.items, self.isTuple) = (items, isTuple) }

    override func collectNames(into numbers: inout [Int]) {
        for item in items { item.collectNames(into: &numbers) }
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        let values = try interpreter.values(of: items, frame)
        return isTuple ? .tuple(try JinjaList(values)) : try interpreter.list(values)
    }
}

/// `{a: b}`.
final class JinjaMappingExpression: JinjaExpression {
    typealias Entry = (key: JinjaExpression, value: JinjaExpression)
    private let entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries }

    override func collectNames(into numbers: inout [Int]) {
        for entry in entries {
            entry.key.collectNames(into: &numbers)
            entry.value.collectNames(into: &numbers)
        }
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        var values: [(key: JinjaValue, value: JinjaValue)] = []
        for entry in entries {
            let key = try entry.key.value(interpreter, frame)
            try interpreter.spend(key: key)
            values.append((key, try entry.value.value(interpreter, frame)))
        }
        try interpreter.spend(elements: values.count)
        return .mapping(try JinjaMapping(values))
    }
}

extension JinjaInterpreter {
    func values(of expressions: [JinjaExpression], _ frame: JinjaFrame) throws(JinjaError) -> [JinjaValue] {
        var values: [JinjaValue] = []
        values.reserveCapacity(expressions.count)
        for expression in expressions { values.append(try expression.value(self, frame)) }
        return values
    }
}
