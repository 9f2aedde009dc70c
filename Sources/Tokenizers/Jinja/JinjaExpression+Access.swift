/// `base.name`.
final class JinjaAttributeExpression: JinjaExpression {
    let base: JinjaExpression
    let name: JinjaName
    let undefined: JinjaUndefined
    let offset: Int
    /// What the base is, where it is a variable.
    private let variable: Int?

    init(_ base: JinjaExpression, _ name: String, _ undefined: JinjaUndefined, at offset: Int) {
        (self.base, self.name, self.undefined, self.offset) = (base, JinjaName(name), undefined, offset)
        variable = (base as? JinjaNameExpression)?.variable
    }

    override func collectNames(into numbers: inout [Int]) { base.collectNames(into: &numbers) }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        // What a message says is looked up where the message lies.
        if let variable, name.member == nil, let mapping = interpreter.mapping(of: variable, frame) {
            try interpreter.step()
            interpreter.go(to: offset)
            return mapping[name] ?? .undefined(undefined)
        }
        let base = try base.value(interpreter, frame)
        interpreter.go(to: offset)
        return try interpreter.attribute(name, of: base, undefined)
    }
}

/// `base[key]`.
final class JinjaItemExpression: JinjaExpression {
    private let base: JinjaExpression
    private let key: JinjaExpression
    private let undefined: JinjaUndefined
    private let offset: Int

    init(_ base: JinjaExpression, _ key: JinjaExpression, _ undefined: JinjaUndefined, at offset: Int) {
        (self.base, self.key, self.undefined, self.offset) = (base, key, undefined, offset)
    }

    override func collectNames(into numbers: inout [Int]) {
        base.collectNames(into: &numbers)
        key.collectNames(into: &numbers)
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        let base = try base.value(interpreter, frame)
        let key = try key.value(interpreter, frame)
        interpreter.go(to: offset)
        return try interpreter.item(key, of: base, undefined)
    }
}

/// `base[start:stop:step]`.
final class JinjaSliceExpression: JinjaExpression {
    /// What is written of a slice's bounds.
    typealias Bounds = (
        start: JinjaExpression?, stop: JinjaExpression?, step: JinjaExpression?
    )
    private let base: JinjaExpression
    private let bounds: Bounds
    private let offset: Int

    init(_ base: JinjaExpression, _ bounds: Bounds, at offset: Int) {
        (self.base, self.bounds, self.offset) = (base, bounds, offset)
    }

    override func collectNames(into numbers: inout [Int]) {
        base.collectNames(into: &numbers)
        for part in [bounds.start, bounds.stop, bounds.step] { part?.collectNames(into: &numbers) }
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        let base = try base.value(interpreter, frame)
        let start = try bound(bounds.start, interpreter, frame)
        let stop = try bound(bounds.stop, interpreter, frame)
        let step = try bound(bounds.step, interpreter, frame)
        interpreter.go(to: offset)
        return try interpreter.slice(base, start: start, stop: stop, step: step)
    }

    private func bound(
        _ expression: JinjaExpression?, _ interpreter: JinjaInterpreter, _ frame: JinjaFrame
    ) throws(JinjaError) -> Int? {
        guard let expression else { return nil }
        let value = try expression.value(interpreter, frame)
        if value.isNone { return nil }
        guard let integer = value.integer else {
            throw .evaluation("a slice goes by integers, not by a \(value.typeName)")
        }
        return integer
    }
}
