extension JinjaParser {
    /// An expression, and the levels of others in it.
    struct Parsed {
        let expression: JinjaExpression
        let height: Int
    }

    /// Expressions with commas between them are a tuple, even without brackets.
    mutating func tuple(
        withConditional: Bool = true, end: String? = nil, inParentheses: Bool = false
    ) throws(JinjaError) -> Parsed {
        var items: [Parsed] = []
        var isTuple = false
        while true {
            if !items.isEmpty { try expect(.comma) }
            if token.kind == .variableEnd || token.kind == .blockEnd || isSymbol(.closeParenthesis)
                || end.map({ isName($0) }) ?? false
            {
                break
            }
            items.append(try withConditional ? expression() : disjunction())
            guard isSymbol(.comma) else { break }
            isTuple = true
        }
        if !isTuple, let only = items.first { return only }
        guard isTuple || inParentheses else { throw unexpected("an expression") }
        return try make(JinjaListExpression(items.map(\.expression), isTuple: true), items)
    }

    /// `a if b else c` and all that binds tighter.
    mutating func expression() throws(JinjaError) -> Parsed {
        try enter()
        defer { leave() }
        let start = token.offset
        var result = try disjunction()
        while skip(name: "if") {
            let test = try disjunction()
            let otherwise = skip(name: "else") ? try expression() : nil
            result = try make(
                JinjaConditionalExpression(
                    test.expression, then: result.expression, otherwise: otherwise?.expression, undefined(from: start)),
                [test, result] + (otherwise.map { [$0] } ?? []))
        }
        return result
    }

    /// Makes a node above others, where that is not too high.
    func make(_ expression: JinjaExpression, _ parts: [Parsed]) throws(JinjaError) -> Parsed {
        let height = 1 + (parts.map(\.height).max() ?? 0)
        guard height <= JinjaLimits.expressionHeight else {
            throw JinjaError(.limit, "an expression nests deeper than \(JinjaLimits.expressionHeight) levels")
                .located(at: token.offset, in: source)
        }
        return Parsed(expression: expression, height: height)
    }
}

// MARK: Operators

extension JinjaParser {
    mutating func disjunction() throws(JinjaError) -> Parsed {
        var left = try conjunction()
        while skip(name: "or") {
            let right = try conjunction()
            left = try make(
                JinjaJunctionExpression(left.expression, right.expression, isConjunction: false), [left, right])
        }
        return left
    }

    private mutating func conjunction() throws(JinjaError) -> Parsed {
        var left = try negation()
        while skip(name: "and") {
            let right = try negation()
            left = try make(
                JinjaJunctionExpression(left.expression, right.expression, isConjunction: true), [left, right])
        }
        return left
    }

    private mutating func negation() throws(JinjaError) -> Parsed {
        var count = 0
        while skip(name: "not") { count += 1 }
        var result = try comparison()
        for _ in 0..<count { result = try make(JinjaNotExpression(result.expression), [result]) }
        return result
    }

    private mutating func comparison() throws(JinjaError) -> Parsed {
        let left = try arithmetic(.sum)
        let offset = token.offset
        var parts = [left]
        var links: [JinjaComparisonExpression.Link] = []
        while let comparison = skipComparison() {
            let right = try arithmetic(.sum)
            links.append((comparison, right.expression))
            parts.append(right)
        }
        return links.isEmpty ? left : try make(comparison(left.expression, links, at: offset), parts)
    }

    private func comparison(
        _ first: JinjaExpression, _ links: [JinjaComparisonExpression.Link], at offset: Int
    ) -> JinjaExpression {
        let (comparison, operand) = links[0]
        guard links.count == 1, comparison == .equal || comparison == .notEqual,
            case .string(let text)? = (operand as? JinjaConstantExpression)?.constant
        else { return JinjaComparisonExpression(first, links, at: offset) }
        return JinjaTextComparisonExpression(first, text, isEqual: comparison == .equal, at: offset)
    }

    private mutating func skipComparison() -> JinjaComparison? {
        if skip(name: "in") { return .contained }
        if isName("not"), isNameNext("in") {
            advance()
            advance()
            return .notContained
        }
        guard case .symbol(let symbol) = token.kind, let comparison = JinjaComparison(rawValue: symbol.rawValue) else {
            return nil
        }
        advance()
        return comparison
    }

    /// Levels of operators that group from the left, the loosest first.
    private enum Level {
        case sum, concatenation, product, power

        func has(_ symbol: JinjaSymbol) -> Bool {
            switch self {
            case .sum: symbol == .add || symbol == .subtract
            case .concatenation: symbol == .tilde
            case .product: [.multiply, .divide, .floorDivide, .modulo].contains(symbol)
            case .power: symbol == .power
            }
        }
    }

    private mutating func arithmetic(_ level: Level) throws(JinjaError) -> Parsed {
        var left = try operand(of: level)
        var strings = [left]
        let offset = token.offset
        while case .symbol(let symbol) = token.kind, level.has(symbol) {
            let place = token.offset
            advance()
            let right = try operand(of: level)
            if symbol == .tilde {
                strings.append(right)
            } else if let operation = JinjaOperator(rawValue: symbol.rawValue) {
                left = try make(
                    JinjaArithmeticExpression(operation, left.expression, right.expression, at: place), [left, right])
            }
        }
        guard strings.count > 1 else { return left }
        return try make(JinjaConcatenationExpression(strings.map(\.expression), at: offset), strings)
    }

    private mutating func operand(of level: Level) throws(JinjaError) -> Parsed {
        switch level {
        case .sum: try arithmetic(.concatenation)
        case .concatenation: try arithmetic(.product)
        case .product: try arithmetic(.power)
        case .power: try unary(withFilters: true)
        }
    }

    private mutating func unary(withFilters: Bool) throws(JinjaError) -> Parsed {
        let offset = token.offset
        var result: Parsed
        if isSymbol(.subtract) || isSymbol(.add) {
            let isNegative = isSymbol(.subtract)
            advance()
            try enter()
            let operand = try unary(withFilters: false)
            leave()
            result = try make(
                JinjaSignExpression(operand.expression, isNegative: isNegative, at: offset), [operand])
        } else {
            result = try primary()
        }
        result = try postfix(result, from: offset)
        return withFilters ? try filtered(result, from: offset) : result
    }
}
