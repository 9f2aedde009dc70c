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

/// `left + right` and its like.
final class JinjaArithmeticExpression: JinjaExpression {
    private let operation: JinjaOperator
    private let left: JinjaExpression
    private let right: JinjaExpression
    private let offset: Int

    init(_ operation: JinjaOperator, _ left: JinjaExpression, _ right: JinjaExpression, at offset: Int) {
        (self.operation, self.left, self.right, self.offset) = (operation, left, right, offset)
    }

    override func collectNames(into numbers: inout [Int]) {
        left.collectNames(into: &numbers)
        right.collectNames(into: &numbers)
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        let left = try left.value(interpreter, frame)
        let right = try right.value(interpreter, frame)
        interpreter.go(to: offset)
        return try interpreter.arithmetic(operation, left, right)
    }

    /// Adds the parts of a sum of strings one after another, so that none is copied more than once.
    override func append(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue? {
        guard operation == .add else { return interpreter.appendString(try value(interpreter, frame)) }
        try interpreter.enter()
        defer { interpreter.ascend() }
        let start = interpreter.output.count
        if let left = try left.append(interpreter, frame) {
            let right = try right.value(interpreter, frame)
            interpreter.go(to: offset)
            return try interpreter.appendString(interpreter.arithmetic(.add, left, right))
        }
        let other = try right.append(interpreter, frame)
        interpreter.go(to: offset)
        if let other {
            return try interpreter.arithmetic(.add, .string(interpreter.takeOutput(from: start)), other)
        }
        try interpreter.spend(bytes: interpreter.output.count - start)
        return nil
    }
}

/// `-operand` or `+operand`.
final class JinjaSignExpression: JinjaExpression {
    private let operand: JinjaExpression
    private let isNegative: Bool
    private let offset: Int

    init(_ operand: JinjaExpression, isNegative: Bool, at offset: Int) {
        (self.operand, self.isNegative, self.offset) = (operand, isNegative, offset)
    }

    override func collectNames(into numbers: inout [Int]) { operand.collectNames(into: &numbers) }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        return try interpreter.signed(operand.value(interpreter, frame), isNegative: isNegative, at: offset)
    }
}

/// `a ~ b ~ c`.
final class JinjaConcatenationExpression: JinjaExpression {
    private let items: [JinjaExpression]
    private let offset: Int

    init(_ items: [JinjaExpression], at offset: Int) { (self.items, self.offset) = (items, offset) }

    override func collectNames(into numbers: inout [Int]) {
        for item in items { item.collectNames(into: &numbers) }
    }

    override func value(_ interpreter: JinjaInterpreter, _ frame: JinjaFrame) throws(JinjaError) -> JinjaValue {
        try interpreter.enter()
        defer { interpreter.ascend() }
        var text = ""
        for item in items {
            text += try interpreter.text(of: item.value(interpreter, frame))
            interpreter.go(to: offset)
            try interpreter.spend(bytes: text.utf8.count)
        }
        return .string(text)
    }
}
