/// What has a value: a node of the tree that a template is read into, which evaluates itself.
///
/// Nodes are objects, so that to go down the tree copies nothing.
class JinjaExpression {
    /// Adds the numbers of the names in it, in the order of the text.
    func collectNames(into numbers: inout [Int]) {}

    func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        preconditionFailure("an expression without a value")
    }

    /// What a condition makes of the value.
    func isTrue(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> Bool {
        try value(interpreter, frame).isTrue
    }

    /// Adds the value to the output where it is a string; else gives it back, and the output is as it was.
    func append(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue? {
        interpreter.appendString(try value(interpreter, frame))
    }
}

/// An attribute's or method's name, and which of those that the interpreter knows it is.
struct JinjaName: Sendable {
    let text: String
    let member: JinjaMember?
    /// To find it among keys.
    let mark: UInt64

    init(_ text: String) {
        self.text = text
        mark = text.mark
        member = JinjaMember(rawValue: text)
    }
}

/// What stands for a value that there is not. It prints as nothing and is false; most other uses are errors.
final class JinjaUndefined: Sendable {
    /// What is missing, for an error: the text of the expression, or a whole sentence.
    let text: String

    init(_ text: String) { self.text = text }
}
