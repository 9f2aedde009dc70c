extension JinjaParser {
    mutating func primary() throws(JinjaError) -> Parsed {
        let offset = token.offset
        switch token.kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return constant(.boolean(true))
            case "false", "False": return constant(.boolean(false))
            case "none", "None": return constant(.none)
            default:
                return Parsed(
                    expression: JinjaNameExpression(variable(name, isStored: false), JinjaUndefined(name)), height: 1)
            }
        case .string(var text):
            advance()
            while case .string(let next) = token.kind {
                text += next
                advance()
            }
            return constant(.string(text))
        case .integer(let value):
            advance()
            return constant(.integer(value))
        case .float(let value):
            advance()
            return constant(.float(value))
        case .symbol(.openParenthesis):
            advance()
            let result = try tuple(inParentheses: true)
            try expect(.closeParenthesis)
            return result
        case .symbol(.openBracket):
            advance()
            var items: [Parsed] = []
            while !isSymbol(.closeBracket) {
                if !items.isEmpty { try expect(.comma) }
                if isSymbol(.closeBracket) { break }
                items.append(try expression())
            }
            try expect(.closeBracket)
            return try make(JinjaListExpression(items.map(\.expression), isTuple: false), items)
        case .symbol(.openBrace): return try mapping()
        default: throw error("an expression is expected, not \(token.description)", at: offset)
        }
    }

    private func constant(_ value: JinjaConstant) -> Parsed {
        Parsed(expression: JinjaConstantExpression(value), height: 1)
    }

    private mutating func mapping() throws(JinjaError) -> Parsed {
        advance()
        var entries: [JinjaMappingExpression.Entry] = []
        var parts: [Parsed] = []
        while !isSymbol(.closeBrace) {
            if !entries.isEmpty { try expect(.comma) }
            if isSymbol(.closeBrace) { break }
            let key = try expression()
            try expect(.colon)
            let value = try expression()
            entries.append((key.expression, value.expression))
            parts += [key, value]
        }
        try expect(.closeBrace)
        return try make(JinjaMappingExpression(entries), parts)
    }

    /// Attributes, subscripts and calls.
    mutating func postfix(_ base: Parsed, from start: Int) throws(JinjaError) -> Parsed {
        var result = base
        while true {
            let offset = token.offset
            if skip(.dot) {
                switch token.kind {
                case .name(let name):
                    advance()
                    result = try make(
                        JinjaAttributeExpression(result.expression, name, undefined(from: start), at: offset), [result])
                case .integer(let number):
                    advance()
                    result = try make(
                        JinjaItemExpression(
                            result.expression, JinjaConstantExpression(.integer(number)), undefined(from: start),
                            at: offset), [result])
                default: throw unexpected("a name or a number")
                }
            } else if skip(.openBracket) {
                result = try subscripted(result, from: start, at: offset)
            } else if isSymbol(.openParenthesis) {
                result = try call(result)
            } else {
                return result
            }
        }
    }

    private mutating func subscripted(_ base: Parsed, from start: Int, at offset: Int) throws(JinjaError) -> Parsed {
        var bounds: [Parsed?] = [nil]
        var keys: [Parsed] = []
        if isSymbol(.closeBracket) { return try item(base, [], from: start, at: offset) }
        while true {
            if !isSymbol(.colon) { bounds[0] = try expression() }
            guard isSymbol(.colon) else {
                if let key = bounds[0] { keys.append(key) }
                if skip(.comma) {
                    bounds = [nil]
                    continue
                }
                try expect(.closeBracket)
                return try item(base, keys, from: start, at: offset)
            }
            guard keys.isEmpty else {
                throw JinjaError(.unsupported, "a slice among several subscripts").located(at: offset, in: source)
            }
            while bounds.count < 3, skip(.colon) {
                let isOpen = isSymbol(.colon) || isSymbol(.closeBracket)
                bounds.append(isOpen ? nil : try expression())
            }
            try expect(.closeBracket)
            let (first, stop, step) = (bounds[0], bounds[1], bounds.count > 2 ? bounds[2] : nil)
            return try make(
                JinjaSliceExpression(
                    base.expression, (first?.expression, stop?.expression, step?.expression), at: offset),
                [base] + bounds.compactMap { $0 })
        }
    }

    private func item(
        _ base: Parsed, _ keys: [Parsed], from start: Int, at offset: Int
    ) throws(JinjaError) -> Parsed {
        let key = keys.count == 1 ? keys[0].expression : JinjaListExpression(keys.map(\.expression), isTuple: true)
        return try make(JinjaItemExpression(base.expression, key, undefined(from: start), at: offset), [base] + keys)
    }

    private mutating func call(_ callee: Parsed) throws(JinjaError) -> Parsed {
        let offset = token.offset
        let (arguments, parts) = try argumentList()
        return try make(call(callee.expression, arguments, at: offset), [callee] + parts)
    }

    private func call(
        _ callee: JinjaExpression, _ arguments: JinjaArgumentList, at offset: Int
    ) -> JinjaExpression {
        guard let method = callee as? JinjaAttributeExpression, let member = method.name.member else {
            return JinjaCallExpression(callee, arguments, at: offset)
        }
        return JinjaMethodCallExpression(method, member, arguments, at: offset)
    }

    private mutating func argumentList() throws(JinjaError) -> (JinjaArgumentList, [Parsed]) {
        var list = JinjaArgumentList()
        var parts: [Parsed] = []
        try expect(.openParenthesis)
        while !isSymbol(.closeParenthesis) {
            if !parts.isEmpty {
                try expect(.comma)
                if isSymbol(.closeParenthesis) { break }
            }
            let offset = token.offset
            var isInOrder = list.spreadKeywords == nil
            if skip(.multiply) {
                isInOrder = isInOrder && list.spread == nil
                parts.append(try expression())
                list.spread = parts.last?.expression
            } else if skip(.power) {
                parts.append(try expression())
                list.spreadKeywords = parts.last?.expression
            } else if case .name(let name) = token.kind, isSymbolNext(.assign) {
                advance()
                advance()
                isInOrder = isInOrder && !list.keywords.contains { $0.name == name }
                let value = try expression()
                parts.append(value)
                list.keywords.append((name, value.expression))
            } else {
                isInOrder = isInOrder && list.spread == nil && list.keywords.isEmpty
                let value = try expression()
                parts.append(value)
                list.positional.append(value.expression)
            }
            guard isInOrder else { throw error("arguments out of order, or one given twice", at: offset) }
        }
        try expect(.closeParenthesis)
        return (list, parts)
    }
}

// MARK: Filters and tests

extension JinjaParser {
    /// A filter's name and arguments, behind the `|`.
    mutating func filterCall() throws(JinjaError) -> JinjaFilterCall { try filterCallWithParts().0 }

    private mutating func filterCallWithParts() throws(JinjaError) -> (JinjaFilterCall, [Parsed]) {
        let offset = token.offset
        let name = try dottedName("a filter's name")
        let (arguments, parts) =
            isSymbol(.openParenthesis) ? try argumentList() : (JinjaArgumentList(), [])
        return (JinjaFilterCall(name, arguments, at: offset), parts)
    }

    private mutating func dottedName(_ what: String) throws(JinjaError) -> String {
        var name = try expectName(what)
        while skip(.dot) { name += "." + (try expectName("a name")) }
        return name
    }

    /// Filters, tests and calls behind an operand.
    mutating func filtered(_ base: Parsed, from start: Int) throws(JinjaError) -> Parsed {
        var result = base
        while true {
            if skip(.pipe) {
                let (call, parts) = try filterCallWithParts()
                result = try make(JinjaFilterExpression(result.expression, call), [result] + parts)
            } else if isName("is") {
                result = try test(result)
            } else if isSymbol(.openParenthesis) {
                result = try call(result)
            } else {
                return result
            }
        }
    }

    private mutating func test(_ base: Parsed) throws(JinjaError) -> Parsed {
        let offset = token.offset
        advance()
        let isNegated = skip(name: "not")
        let name = try dottedName("a test's name")
        var arguments = JinjaArgumentList()
        var parts = [base]
        if isSymbol(.openParenthesis) {
            let (list, others) = try argumentList()
            (arguments, parts) = (list, parts + others)
        } else if startsTestArgument {
            guard !isName("is") else { throw error("tests follow one another") }
            let start = token.offset
            try enter()
            let argument = try postfix(try primary(), from: start)
            leave()
            arguments.positional = [argument.expression]
            parts.append(argument)
        }
        let test = try make(JinjaTestExpression(base.expression, name, arguments, at: offset), parts)
        return isNegated ? try make(JinjaNotExpression(test.expression), [test]) : test
    }

    /// Whether what follows a test's name is its argument, without brackets.
    private var startsTestArgument: Bool {
        switch token.kind {
        case .name(let name): !["else", "or", "and"].contains(name)
        case .string, .integer, .float, .symbol(.openBracket), .symbol(.openBrace): true
        default: false
        }
    }
}
