/// `not operand`.
final class JinjaNotExpression: JinjaExpression {
    private let operand: JinjaExpression

    init(_ operand: JinjaExpression) { self.operand = operand }

    override func collectNames(into numbers: inout [Int]) { operand.collectNames(into: &numbers) }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        .boolean(try isTrue(interpreter, frame))
    }

    override func isTrue(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> Bool {
        try interpreter.enter()
        defer { interpreter.ascend() }
        return try !operand.isTrue(interpreter, frame)
    }
}

/// `left and right`, or `left or right`, which have the value of one of the two.
final class JinjaJunctionExpression: JinjaExpression {
    private let left: JinjaExpression
    private let right: JinjaExpression
    /// What the left has to be for the value to be the right's: true for `and`.
    private let goesOn: Bool

    init(_ left: JinjaExpression, _ right: JinjaExpression, isConjunction: Bool) {
        (self.left, self.right, goesOn) = (left, right, isConjunction)
    }

    override func collectNames(into numbers: inout [Int]) {
        left.collectNames(into: &numbers)
        right.collectNames(into: &numbers)
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        let left = try left.value(interpreter, frame)
        return left.isTrue == goesOn ? try right.value(interpreter, frame) : left
    }

    override func isTrue(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> Bool {
        try interpreter.enter()
        defer { interpreter.ascend() }
        return try left.isTrue(interpreter, frame) == goesOn ? right.isTrue(interpreter, frame) : !goesOn
    }
}

/// `then if test else otherwise`.
final class JinjaConditionalExpression: JinjaExpression {
    private let test: JinjaExpression
    private let then: JinjaExpression
    private let otherwise: JinjaExpression?
    private let undefined: JinjaUndefined

    init(
        _ test: JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?,
        _ undefined: JinjaUndefined
    ) {
        (self.test, self.then, self.otherwise, self.undefined) = (test, then, otherwise, undefined)
    }

    override func collectNames(into numbers: inout [Int]) {
        test.collectNames(into: &numbers)
        then.collectNames(into: &numbers)
        otherwise?.collectNames(into: &numbers)
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        if try test.isTrue(interpreter, frame) { return try then.value(interpreter, frame) }
        guard let otherwise else { return .undefined(undefined) }
        return try otherwise.value(interpreter, frame)
    }
}

/// What compares two values.
enum JinjaComparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"
    case notContained = "not in"
}

/// `a < b`, or a chain as `a < b < c`, which holds where each of its links does.
final class JinjaComparisonExpression: JinjaExpression {
    typealias Link = (comparison: JinjaComparison, operand: JinjaExpression)
    private let first: JinjaExpression
    private let links: [Link]
    private let offset: Int

    init(_ first: JinjaExpression, _ links: [Link], at offset: Int) {
        (self.first, self.links, self.offset) = (first, links, offset)
    }

    override func collectNames(into numbers: inout [Int]) {
        first.collectNames(into: &numbers)
        for link in links { link.operand.collectNames(into: &numbers) }
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        .boolean(try isTrue(interpreter, frame))
    }

    override func isTrue(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> Bool {
        try interpreter.enter()
        defer { interpreter.ascend() }
        var left = try first.value(interpreter, frame)
        for (comparison, operand) in links {
            let right = try operand.value(interpreter, frame)
            interpreter.go(to: offset)
            guard try interpreter.holds(comparison, left, right) else { return false }
            left = right
        }
        return true
    }
}

/// `left == 'text'` or `left != 'text'`, which templates ask more often than anything else.
final class JinjaTextComparisonExpression: JinjaExpression {
    private let operand: JinjaExpression
    private let text: String
    private let isEqual: Bool
    private let offset: Int

    init(_ operand: JinjaExpression, _ text: String, isEqual: Bool, at offset: Int) {
        (self.operand, self.text, self.isEqual, self.offset) = (operand, text, isEqual, offset)
    }

    override func collectNames(into numbers: inout [Int]) { operand.collectNames(into: &numbers) }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        .boolean(try isTrue(interpreter, frame))
    }

    override func isTrue(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> Bool {
        try interpreter.enter()
        defer { interpreter.ascend() }
        let value = try operand.value(interpreter, frame)
        try interpreter.step()
        interpreter.go(to: offset)
        guard let other = value.text else { return !isEqual }
        if other.utf8.count > 64 { try interpreter.step(other.utf8.count / 64) }
        return other.isSameText(as: text) == isEqual
    }
}
