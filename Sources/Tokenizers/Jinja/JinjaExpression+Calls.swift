/// Arguments as a template writes them.
struct JinjaArgumentList {
    var positional: [JinjaExpression] = []
    var keywords: [(name: String, value: JinjaExpression)] = []
    /// After `*`.
    var spread: JinjaExpression?
    /// After `**`.
    var spreadKeywords: JinjaExpression?

    func collectNames(into numbers: inout [Int]) {
        for argument in positional { argument.collectNames(into: &numbers) }
        for argument in keywords { argument.value.collectNames(into: &numbers) }
        spread?.collectNames(into: &numbers)
        spreadKeywords?.collectNames(into: &numbers)
    }

    var isEmpty: Bool { positional.isEmpty && isPositional }

    /// Whether all are told by their position.
    var isPositional: Bool { keywords.isEmpty && spread == nil && spreadKeywords == nil }
}

/// A call of a function, macro or method.
class JinjaCall: JinjaExpression {
    /// - Parameter caller: The body of `{% call %}`, which is passed along under that name.
    func call(
        _ interpreter: JinjaInterpreter, _ frame: JinjaFrame, caller: JinjaValue?
    ) throws(JinjaError) -> JinjaValue {
        preconditionFailure("a call of nothing")
    }

    override final func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        return try call(interpreter, frame, caller: nil)
    }
}

/// `callee(...)`.
final class JinjaCallExpression: JinjaCall {
    private let callee: JinjaExpression
    private let name: String
    private let arguments: JinjaArgumentList
    private let offset: Int

    init(_ callee: JinjaExpression, _ arguments: JinjaArgumentList, at offset: Int) {
        (self.callee, self.arguments, self.offset) = (callee, arguments, offset)
        name = (callee as? JinjaNameExpression)?.undefined.text ?? "the function"
    }

    override func collectNames(into numbers: inout [Int]) {
        callee.collectNames(into: &numbers)
        arguments.collectNames(into: &numbers)
    }

    override func call(
        _ interpreter: JinjaInterpreter, _ frame: JinjaFrame, caller: JinjaValue?
    ) throws(JinjaError) -> JinjaValue {
        let callee = try callee.value(interpreter, frame)
        let arguments = try interpreter.arguments(arguments, name, caller, frame)
        return try interpreter.call(callee, arguments, at: offset)
    }
}

/// `base.name(...)` with a name that the interpreter knows: a method that is called at once needs no value of its own.
final class JinjaMethodCallExpression: JinjaCall {
    private let callee: JinjaAttributeExpression
    private let member: JinjaMember
    private let isOfStrings: Bool
    /// Whether it is one of ``JinjaInterpreter/method(_:of:_:)``.
    private let takesOneText: Bool
    private let arguments: JinjaArgumentList
    private let offset: Int

    init(_ callee: JinjaAttributeExpression, _ member: JinjaMember, _ arguments: JinjaArgumentList, at offset: Int) {
        (self.callee, self.member, self.arguments, self.offset) = (callee, member, arguments, offset)
        isOfStrings = member.isOfStrings
        takesOneText = member.takesOneText && arguments.isPositional && arguments.positional.count == 1
    }

    override func collectNames(into numbers: inout [Int]) {
        callee.collectNames(into: &numbers)
        arguments.collectNames(into: &numbers)
    }

    override func call(
        _ interpreter: JinjaInterpreter, _ frame: JinjaFrame, caller: JinjaValue?
    ) throws(JinjaError) -> JinjaValue {
        let receiver = try callee.base.value(interpreter, frame)
        if isOfStrings, let text = receiver.text {
            if takesOneText, caller == nil, case .string = receiver {
                let argument = try arguments.positional[0].value(interpreter, frame)
                interpreter.go(to: offset)
                return try interpreter.method(member, of: text, argument)
            }
            var arguments = try interpreter.arguments(arguments, callee.name.text, caller, frame)
            interpreter.go(to: offset)
            return try interpreter.method(member, of: text, isMarkup: receiver.isMarkup, &arguments)
        }
        interpreter.go(to: callee.offset)
        let method = try interpreter.attribute(callee.name, of: receiver, callee.undefined)
        let arguments = try interpreter.arguments(arguments, callee.name.text, caller, frame)
        return try interpreter.call(method, arguments, at: offset)
    }
}

/// `base | filter(...)`.
final class JinjaFilterExpression: JinjaExpression {
    private let base: JinjaExpression
    private let filter: JinjaFilterCall

    init(_ base: JinjaExpression, _ filter: JinjaFilterCall) { (self.base, self.filter) = (base, filter) }

    override func collectNames(into numbers: inout [Int]) {
        base.collectNames(into: &numbers)
        filter.arguments.collectNames(into: &numbers)
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        return try interpreter.filter(base.value(interpreter, frame), filter, frame)
    }
}

/// A filter with its arguments, without what it filters.
final class JinjaFilterCall {
    let name: String
    let filter: JinjaFilter?
    let arguments: JinjaArgumentList
    let offset: Int

    init(_ name: String, _ arguments: JinjaArgumentList, at offset: Int) {
        (self.name, self.arguments, self.offset) = (name, arguments, offset)
        filter = JinjaFilter(rawValue: name)
    }
}

/// `base is test ...`.
final class JinjaTestExpression: JinjaExpression {
    private let base: JinjaExpression
    let name: String
    let test: JinjaTest?
    let arguments: JinjaArgumentList
    let offset: Int

    init(_ base: JinjaExpression, _ name: String, _ arguments: JinjaArgumentList, at offset: Int) {
        (self.base, self.name, self.arguments, self.offset) = (base, name, arguments, offset)
        test = JinjaTest(rawValue: name)
    }

    override func collectNames(into numbers: inout [Int]) {
        base.collectNames(into: &numbers)
        arguments.collectNames(into: &numbers)
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        .boolean(try isTrue(interpreter, frame))
    }

    override func isTrue(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> Bool {
        try interpreter.enter()
        defer { interpreter.ascend() }
        return try interpreter.test(base.value(interpreter, frame), self, frame)
    }
}
