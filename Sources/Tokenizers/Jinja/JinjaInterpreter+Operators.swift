extension JinjaInterpreter {
    func arithmetic(
        _ operation: JinjaOperator, _ left: JinjaValue, _ right: JinjaValue
    ) throws(JinjaError) -> JinjaValue {
        if case .string(let left) = left, case .string(let right) = right, operation == .add {
            try spend(bytes: left.utf8.count + right.utf8.count)
            return .string(left + right)
        }
        if let left = left.integer, let right = right.integer { return try integer(operation, left, right) }
        if let left = try number(left), let right = try number(right) { return try float(operation, left, right) }
        switch (operation, left, right) {
        case (.add, .undefined, _), (.add, _, .undefined): break
        case (.add, _, _):
            if let sum = try sum(left, right) { return sum }
        case (.multiply, _, _):
            if let count = right.integer, let product = try repeated(left, count) { return product }
            if let count = left.integer, let product = try repeated(right, count) { return product }
        case (.modulo, .string(let format), _): return .string(try formatted(format, right))
        case (.modulo, .markup(let format), _): return .markup(try formatted(format, right, escapes: true))
        default: break
        }
        throw refusal(
            left, right,
            otherwise: "'\(operation.rawValue)' has no result for a \(left.typeName) and a \(right.typeName)")
    }

    func signed(_ value: JinjaValue, isNegative: Bool, at offset: Int) throws(JinjaError) -> JinjaValue {
        go(to: offset)
        if let integer = value.integer {
            let (result, overflows) = isNegative ? (0).subtractingReportingOverflow(integer) : (integer, false)
            guard !overflows else { throw PythonNumber.pastRange }
            return .integer(result)
        }
        if case .float(let number) = value { return .float(isNegative ? -number : number) }
        throw refusal(value, otherwise: "a \(value.typeName) has no sign")
    }

    /// The number that arithmetic takes; `nil` for what is none.
    func number(_ value: JinjaValue) throws(JinjaError) -> Double? {
        switch value {
        case .float(let value): return value
        case .integer(let value): return Double(value)
        case .boolean(let value): return value ? 1 : 0
        case .object(let object as JinjaBigInteger):
            throw JinjaError(.unsupported, "arithmetic with an \(object.typeName)")
        default: return nil
        }
    }

    private func integer(_ operation: JinjaOperator, _ left: Int, _ right: Int) throws(JinjaError) -> JinjaValue {
        func checked(_ result: (partialValue: Int, overflow: Bool)) throws(JinjaError) -> JinjaValue {
            guard !result.overflow else { throw PythonNumber.pastRange }
            return .integer(result.partialValue)
        }
        switch operation {
        case .add: return try checked(left.addingReportingOverflow(right))
        case .subtract: return try checked(left.subtractingReportingOverflow(right))
        case .multiply: return try checked(left.multipliedReportingOverflow(by: right))
        case .power:
            guard right >= 0 else { return try float(.power, Double(left), Double(right)) }
            guard let result = PythonNumber.power(left, right) else { throw PythonNumber.pastRange }
            return .integer(result)
        case .divide, .floorDivide, .modulo:
            guard right != 0 else { throw .evaluation("division by zero") }
            if operation == .divide { return .float(Double(left) / Double(right)) }
            if operation == .modulo { return .integer(PythonNumber.modulo(left, right)) }
            guard let result = PythonNumber.floorDivide(left, right) else { throw PythonNumber.pastRange }
            return .integer(result)
        }
    }

    private func float(_ operation: JinjaOperator, _ left: Double, _ right: Double) throws(JinjaError) -> JinjaValue {
        switch operation {
        case .add: return .float(left + right)
        case .subtract: return .float(left - right)
        case .multiply: return .float(left * right)
        case .power: return .float(try PythonNumber.power(left, right))
        case .divide, .floorDivide, .modulo:
            guard right != 0 else { throw .evaluation("division by zero") }
            switch operation {
            case .divide: return .float(left / right)
            case .modulo: return .float(PythonNumber.modulo(left, right))
            default: return .float(PythonNumber.floorDivide(left, right))
            }
        }
    }

    /// `nil` for what cannot be put together.
    private func sum(_ left: JinjaValue, _ right: JinjaValue) throws(JinjaError) -> JinjaValue? {
        switch (left, right) {
        case (.list(let left), .list(let right)): return try list(left.elements + right.elements)
        case (.tuple(let left), .tuple(let right)):
            try spend(elements: left.elements.count + right.elements.count)
            return .tuple(try JinjaList(left.elements + right.elements))
        case (.markup(let left), _):
            guard let right = right.text.map({ escaped($0, isMarkup: right.isMarkup) }) else { return nil }
            try spend(bytes: left.utf8.count + right.utf8.count)
            return .markup(left + right)
        case (_, .markup(let right)):
            guard let left = left.text.map({ escaped($0, isMarkup: left.isMarkup) }) else { return nil }
            try spend(bytes: left.utf8.count + right.utf8.count)
            return .markup(left + right)
        default: return nil
        }
    }

    private func repeated(_ value: JinjaValue, _ count: Int) throws(JinjaError) -> JinjaValue? {
        let count = max(count, 0)
        switch value {
        case .string(let text), .markup(let text):
            try spend(bytes: text.utf8.count, times: count)
            let result = String(repeating: text, count: text.isEmpty ? 0 : count)
            return value.isMarkup ? .markup(result) : .string(result)
        case .list(let list), .tuple(let list):
            try spend(elements: list.elements.count, times: count)
            let count = list.elements.isEmpty ? 0 : count
            let elements = Array(repeatElement(list.elements, count: count).joined())
            if case .list = value { return .list(try JinjaList(elements)) }
            return .tuple(try JinjaList(elements))
        default: return nil
        }
    }

    /// As markup takes other text in.
    func escaped(_ text: String, isMarkup: Bool) -> String { isMarkup ? text : PythonText.escapedHTML(text) }
}

extension JinjaValue {
    var isMarkup: Bool { if case .markup = self { true } else { false } }
}
