/// The tests of jinja2, behind `is`.
enum JinjaTest: String, Sendable {
    case odd, even, divisibleby, defined, undefined, filter, test, none, boolean, integer, float, lower, upper, string
    case mapping, number, sequence, iterable, callable, sameas, escaped, eq, equalto, ne, gt, greaterthan, ge, lt
    case lessthan, le
    case isFalse = "false"
    case isTrue = "true"
    case isIn = "in"
    case equalSign = "=="
    case notEqualSign = "!="
    case greaterSign = ">"
    case greaterOrEqualSign = ">="
    case lessSign = "<"
    case lessOrEqualSign = "<="

    /// What the test compares by, if it does.
    fileprivate var comparison: JinjaComparison? {
        switch self {
        case .eq, .equalto, .equalSign: .equal
        case .ne, .notEqualSign: .notEqual
        case .gt, .greaterthan, .greaterSign: .greater
        case .ge, .greaterOrEqualSign: .greaterOrEqual
        case .lt, .lessthan, .lessSign: .less
        case .le, .lessOrEqualSign: .lessOrEqual
        default: nil
        }
    }
}

extension JinjaInterpreter {
    func test(
        _ value: JinjaValue, _ call: JinjaTestExpression, _ frame: JinjaFrame
    ) throws(JinjaError) -> Bool {
        guard let test = call.test else {
            go(to: call.offset)
            throw .evaluation("there is no test '\(call.name)'")
        }
        if test == .string, call.arguments.isEmpty {
            go(to: call.offset)
            return value.text != nil
        }
        var arguments = try arguments(call.arguments, call.name, nil, frame)
        go(to: call.offset)
        return try apply(test, to: value, &arguments)
    }

    /// What `select` and others call by name.
    func test(named name: JinjaValue) throws(JinjaError) -> JinjaTest {
        guard let test = name.text.flatMap(JinjaTest.init) else {
            throw .evaluation("there is no test '\(try text(of: name))'")
        }
        return test
    }

    func apply(
        _ test: JinjaTest, to value: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> Bool {
        if let comparison = test.comparison {
            guard let other = arguments.takePositional() else { throw arguments.missing("other") }
            try arguments.finish()
            return try holds(comparison, value, other)
        }
        switch test {
        case .isIn:
            let container = try arguments.need("seq")
            try arguments.finish()
            return try contains(container, value)
        case .sameas:
            let other = try arguments.need("other")
            try arguments.finish()
            return isSame(value, other)
        case .divisibleby:
            let divisor = try arguments.need("num")
            try arguments.finish()
            return try areEqual(arithmetic(.modulo, value, divisor), .integer(0))
        default:
            try arguments.finish()
            return try has(test, value)
        }
    }

    /// Whether a value is of a kind.
    private func has(_ test: JinjaTest, _ value: JinjaValue) throws(JinjaError) -> Bool {
        switch (test, value) {
        case (.defined, _): return !value.isUndefined
        case (.undefined, _): return value.isUndefined
        case (.none, _): return value.isNone
        case (.string, _): return value.text != nil
        case (.escaped, _): return value.isMarkup
        case (.boolean, .boolean), (.isTrue, .boolean(true)), (.isFalse, .boolean(false)): return true
        case (.mapping, .mapping): return true
        case (.float, .float): return true
        case (.integer, .integer), (.integer, .object(_ as JinjaBigInteger)): return true
        case (.number, .integer), (.number, .float), (.number, .boolean), (.number, .object(_ as JinjaBigInteger)):
            return true
        case (.sequence, _): return isSequence(value)
        case (.iterable, .object(_ as JinjaIterator)), (.iterable, .object(_ as JinjaView)),
            (.iterable, .object(_ as JinjaLoop)):
            return true
        case (.iterable, _): return isSequence(value)
        case (.callable, .undefined): return true
        case (.callable, .object(let object)):
            return object is JinjaMethod || object is JinjaClosure || object is JinjaGlobalFunction
                || object is JinjaJoiner
                || object is JinjaLoop
        case (.odd, _): return try areEqual(arithmetic(.modulo, value, .integer(2)), .integer(1))
        case (.even, _): return try areEqual(arithmetic(.modulo, value, .integer(2)), .integer(0))
        case (.lower, _), (.upper, _):
            let text = try text(of: value)
            try spend(bytes: text.utf8.count)
            return test == .lower ? text.isPythonLowercase : text.isPythonUppercase
        case (.filter, _), (.test, _):
            guard JinjaKey(value) != nil else { throw .evaluation("a \(value.typeName) is no name") }
            guard let name = value.text else { return false }
            return test == .filter ? JinjaFilter(rawValue: name) != nil : JinjaTest(rawValue: name) != nil
        default: return false
        }
    }

    private func isSequence(_ value: JinjaValue) -> Bool {
        switch value {
        case .string, .markup, .list, .tuple, .mapping, .undefined, .object(_ as JinjaRange): true
        default: false
        }
    }

    private func isSame(_ left: JinjaValue, _ right: JinjaValue) -> Bool {
        switch (left, right) {
        case (.none, .none): true
        case (.boolean(let left), .boolean(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.string(let left), .string(let right)): left.isSameText(as: right)
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)): left === right
        case (.mapping(let left), .mapping(let right)): left === right
        case (.object(let left), .object(let right)): left === right
        default: false
        }
    }
}
