/// What has a value.
indirect enum JinjaExpression: Sendable {
    case constant(JinjaConstant)
    /// A variable, by its number among the names that a template writes.
    case name(Int, JinjaUndefined)
    case list([JinjaExpression])
    case tuple([JinjaExpression])
    case mapping([(key: JinjaExpression, value: JinjaExpression)])
    case attribute(JinjaExpression, JinjaName, JinjaUndefined, at: Int)
    case item(JinjaExpression, JinjaExpression, JinjaUndefined, at: Int)
    case slice(JinjaExpression, start: JinjaExpression?, stop: JinjaExpression?, step: JinjaExpression?, at: Int)
    case call(JinjaExpression, JinjaCall)
    case filter(JinjaExpression, JinjaFilterCall)
    case test(JinjaExpression, JinjaTestCall)
    case negative(JinjaExpression, at: Int)
    case positive(JinjaExpression, at: Int)
    case not(JinjaExpression)
    case and(JinjaExpression, JinjaExpression)
    case or(JinjaExpression, JinjaExpression)
    case binary(JinjaOperator, JinjaExpression, JinjaExpression, at: Int)
    case concatenation([JinjaExpression], at: Int)
    case comparison(JinjaExpression, [(comparison: JinjaComparison, operand: JinjaExpression)], at: Int)
    case conditional(JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?, JinjaUndefined)
}

/// A literal.
enum JinjaConstant: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
}

/// An arithmetic operator.
enum JinjaOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
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

/// An attribute's or method's name, and which of those that the interpreter knows it is.
struct JinjaName: Sendable {
    let text: String
    let member: JinjaMember?

    init(_ text: String) {
        self.text = text
        member = JinjaMember(rawValue: text)
    }
}

/// Arguments as a template writes them.
struct JinjaArgumentList: Sendable {
    var positional: [JinjaExpression] = []
    var keywords: [(name: String, value: JinjaExpression)] = []
    /// After `*`.
    var spread: JinjaExpression?
    /// After `**`.
    var spreadKeywords: JinjaExpression?
}

/// A call of a function, method or macro.
struct JinjaCall: Sendable {
    let arguments: JinjaArgumentList
    let offset: Int
}

/// A filter with its arguments, without what it filters.
struct JinjaFilterCall: Sendable {
    let name: String
    let filter: JinjaFilter?
    let arguments: JinjaArgumentList
    let offset: Int

    init(_ name: String, _ arguments: JinjaArgumentList, at offset: Int) {
        (self.name, self.arguments, self.offset) = (name, arguments, offset)
        filter = JinjaFilter(rawValue: name)
    }
}

/// A test with its arguments, without what it tests.
struct JinjaTestCall: Sendable {
    let name: String
    let test: JinjaTest?
    let arguments: JinjaArgumentList
    let offset: Int

    init(_ name: String, _ arguments: JinjaArgumentList, at offset: Int) {
        (self.name, self.arguments, self.offset) = (name, arguments, offset)
        test = JinjaTest(rawValue: name)
    }
}

/// What stands for a value that there is not. It prints as nothing and is false; most other uses are errors.
final class JinjaUndefined: Sendable {
    /// What is missing, for an error: the text of the expression, or a whole sentence.
    let text: String

    init(_ text: String) { self.text = text }
}
