extension JinjaParser {
    /// Statements up to one of the names, which stays the next word; to the end where there are none.
    mutating func statements(until ends: [String]) throws(JinjaError) -> [JinjaStatement] {
        var statements: [JinjaStatement] = []
        try enter()
        while true {
            switch token.kind {
            case .end:
                guard ends.isEmpty else {
                    throw error("the template ends where '\(ends.joined(separator: "' or '"))' is expected")
                }
                leave()
                return statements
            case .data(let text):
                statements.append(.text(JinjaText(text)))
                advance()
            case .variableBegin:
                advance()
                statements.append(.print(JinjaPrintStatement(try tuple().expression)))
                guard token.kind == .variableEnd else { throw unexpected("'}}'") }
                advance()
            case .blockBegin:
                advance()
                if ends.contains(where: { isName($0) }) {
                    leave()
                    return statements
                }
                try statements.append(contentsOf: statement(ends))
                try expectBlockEnd()
            default: throw unexpected("text or a tag")
            }
        }
    }

    /// What stands between this block's `%}` and the block that ends it. What ends it stays the next word.
    private mutating func body(until ends: String...) throws(JinjaError) -> [JinjaStatement] {
        _ = skip(.colon)
        try expectBlockEnd()
        return try statements(until: ends)
    }

    private mutating func statement(_ ends: [String]) throws(JinjaError) -> [JinjaStatement] {
        let offset = token.offset
        let name = try expectName("a statement")
        switch name {
        case "if": return [try conditional()]
        case "for": return [try loop(at: offset)]
        case "set": return [try assignment(at: offset)]
        case "macro": return [try macro(at: offset)]
        case "call": return [try call(at: offset)]
        case "filter": return [try filter()]
        case "with": return [try with(at: offset)]
        case "generation":
            hasGenerations = true
            return [.generation(try closure("endgeneration"), at: offset)]
        case "print": return try print()
        case "break", "continue":
            guard loops > 0 else { throw error("'\(name)' outside of a loop", at: offset) }
            return [name == "break" ? .breakLoop : .continueLoop]
        case "block", "autoescape":
            while token.kind != .blockEnd, token.kind != .end { advance() }
            _ = try body(until: "end\(name)")
            while token.kind != .blockEnd, token.kind != .end { advance() }
            return [.unsupported("the statement '\(name)'", at: offset)]
        case "include", "import", "from", "extends":
            while token.kind != .blockEnd, token.kind != .end { advance() }
            return [.unsupported("the statement '\(name)'", at: offset)]
        default:
            let expected = ends.isEmpty ? "" : "; '\(ends.joined(separator: "' or '"))' is expected"
            throw error("unknown statement '\(name)'\(expected)", at: offset)
        }
    }

    private mutating func print() throws(JinjaError) -> [JinjaStatement] {
        var statements: [JinjaStatement] = []
        while token.kind != .blockEnd {
            if !statements.isEmpty { try expect(.comma) }
            statements.append(.print(JinjaPrintStatement(try expression().expression)))
        }
        return statements
    }

    private mutating func conditional() throws(JinjaError) -> JinjaStatement {
        var branches: [JinjaConditionalStatement.Branch] = []
        while true {
            let test = try tuple(withConditional: false).expression
            branches.append((test, try body(until: "elif", "else", "endif")))
            if skip(name: "elif") { continue }
            var otherwise: [JinjaStatement] = []
            if skip(name: "else") { otherwise = try body(until: "endif") }
            try expect(name: "endif")
            return .conditional(JinjaConditionalStatement(branches.removeFirst(), branches, otherwise: otherwise))
        }
    }

    private mutating func loop(at offset: Int) throws(JinjaError) -> JinjaStatement {
        let first = variables.count
        let target = try self.target(end: "in")
        try expect(name: "in")
        let iterable = try tuple(withConditional: false, end: "recursive").expression
        var filter: (test: JinjaExpression, target: JinjaTarget, scope: Int)?
        if skip(name: "if") {
            filter = (try expression().expression, copy(target), newScope())
        }
        let isRecursive = skip(name: "recursive")
        let bodyStart = variables.count
        loops += 1
        let body = try self.body(until: "endfor", "else")
        loops -= 1
        let readsLoop = isRecursive || reads("loop", from: bodyStart)
        let (scope, otherwiseScope) = (newScope(), newScope())
        var otherwise: [JinjaStatement] = []
        if skip(name: "else") { otherwise = try self.body(until: "endfor") }
        try expect(name: "endfor")
        guard !variables[first...].contains(where: { $0.isStored && $0.name == "loop" }) else {
            throw error("'loop' cannot be assigned to in a loop", at: offset)
        }
        return .loop(
            JinjaLoopStatement(
                target: target, iterable: iterable, filter: filter, isRecursive: isRecursive, body: body,
                otherwise: otherwise, scope: scope, otherwiseScope: otherwiseScope,
                loop: readsLoop ? variable("loop", isStored: false) : nil, offset: offset))
    }

    private mutating func assignment(at offset: Int) throws(JinjaError) -> JinjaStatement {
        let target = try self.target(withAttributes: true)
        if skip(.assign) { return .set(JinjaSetStatement(target, try tuple().expression, at: offset)) }
        var filters: [JinjaFilterCall] = []
        while skip(.pipe) { filters.append(try filterCall()) }
        let body = try self.body(until: "endset")
        try expect(name: "endset")
        return .setBlock(target, filters, body, scope: newScope(), at: offset)
    }

    private mutating func filter() throws(JinjaError) -> JinjaStatement {
        var filters = [try filterCall()]
        while skip(.pipe) { filters.append(try filterCall()) }
        let body = try self.body(until: "endfilter")
        try expect(name: "endfilter")
        return .filter(filters, body, scope: newScope())
    }

    private mutating func with(at offset: Int) throws(JinjaError) -> JinjaStatement {
        var values: [(target: JinjaTarget, value: JinjaExpression)] = []
        while token.kind != .blockEnd {
            if !values.isEmpty { try expect(.comma) }
            let target = try self.target()
            try expect(.assign)
            values.append((target, try expression().expression))
        }
        let body = try self.body(until: "endwith")
        try expect(name: "endwith")
        return .with(values, body, scope: newScope(), at: offset)
    }
}

// MARK: Macros

extension JinjaParser {
    private mutating func macro(at offset: Int) throws(JinjaError) -> JinjaStatement {
        let name = try expectName("a macro's name")
        let target = variable(name, isStored: true)
        return .macro(try closure("endmacro", name: name, parameters: try signature()), target: target)
    }

    private mutating func call(at offset: Int) throws(JinjaError) -> JinjaStatement {
        let parameters = isSymbol(.openParenthesis) ? try signature() : []
        guard let call = try expression().expression as? JinjaCall else {
            throw error("'call' needs a call", at: offset)
        }
        return .call(call, body: try closure("endcall", parameters: parameters))
    }

    private mutating func signature() throws(JinjaError) -> [JinjaMacro.Parameter] {
        var parameters: [JinjaMacro.Parameter] = []
        try expect(.openParenthesis)
        while !isSymbol(.closeParenthesis) {
            if !parameters.isEmpty { try expect(.comma) }
            let offset = token.offset
            let name = try expectName("a parameter's name")
            guard !parameters.contains(where: { $0.name == name }) else {
                throw error("two parameters are called '\(name)'", at: offset)
            }
            let variable = self.variable(name, isStored: true)
            let value = skip(.assign) ? try expression().expression : nil
            guard value != nil || parameters.last?.defaultValue == nil else {
                throw error("a parameter without a default follows one with a default", at: offset)
            }
            parameters.append(.init(name: name, variable: variable, defaultValue: value))
        }
        try expect(.closeParenthesis)
        return parameters
    }

    /// A body that is called, up to `end`.
    private mutating func closure(
        _ end: String, name: String? = nil, parameters: [JinjaMacro.Parameter] = []
    ) throws(JinjaError) -> JinjaMacro {
        let start = variables.count
        let offset = token.offset
        let outerLoops = loops
        loops = 0
        let body = try self.body(until: end)
        loops = outerLoops
        try expect(name: end)
        func special(_ name: String) -> Bool {
            reads(name, from: start) && !parameters.contains { $0.name == name }
        }
        if reads("caller", from: start), let caller = parameters.first(where: { $0.name == "caller" }) {
            guard caller.defaultValue != nil else {
                throw error("the parameter 'caller' needs a default", at: offset)
            }
        }
        return JinjaMacro(
            name: name, parameters: parameters, body: body, scope: newScope(),
            caller: special("caller") ? variable("caller", isStored: false) : nil,
            keywords: special("kwargs") ? variable("kwargs", isStored: false) : nil,
            rest: special("varargs") ? variable("varargs", isStored: false) : nil)
    }

    /// Whether a name is read from a number of names on, before it is written.
    private func reads(_ name: String, from start: Int) -> Bool {
        variables[start...].first { $0.name == name }.map { !$0.isStored } ?? false
    }
}

// MARK: Targets

extension JinjaParser {
    /// What is assigned to: names with commas between them, in brackets or not.
    private mutating func target(withAttributes: Bool = false, end: String? = nil) throws(JinjaError) -> JinjaTarget {
        try targets(withAttributes, inParentheses: false) { parser in end.map { parser.isName($0) } ?? false }
    }

    private mutating func targets(
        _ withAttributes: Bool, inParentheses: Bool, _ isEnd: (JinjaParser) -> Bool
    ) throws(JinjaError) -> JinjaTarget {
        var targets: [JinjaTarget] = []
        var isTuple = false
        while true {
            if !targets.isEmpty { try expect(.comma) }
            if token.kind == .variableEnd || token.kind == .blockEnd || isSymbol(.closeParenthesis) || isEnd(self) {
                break
            }
            targets.append(try singleTarget(withAttributes))
            guard isSymbol(.comma) else { break }
            isTuple = true
        }
        if !isTuple, let only = targets.first { return only }
        guard isTuple || inParentheses else { throw unexpected("a name to assign to") }
        return .tuple(targets)
    }

    private mutating func singleTarget(_ withAttributes: Bool) throws(JinjaError) -> JinjaTarget {
        let offset = token.offset
        if skip(.openParenthesis) {
            try enter()
            let target = try targets(withAttributes, inParentheses: true) { _ in false }
            try expect(.closeParenthesis)
            leave()
            return target
        }
        let name = try expectName("a name to assign to")
        guard !Self.literals.contains(name) else { throw error("'\(name)' cannot be assigned to", at: offset) }
        guard withAttributes, skip(.dot) else { return .name(variable(name, isStored: true)) }
        let variable = self.variable(name, isStored: false)
        let undefined = undefined(from: offset)
        return .attribute(variable, undefined, try expectName("an attribute's name"))
    }

    static let literals: Set<String> = ["true", "false", "none", "True", "False", "None"]

    /// The same target with numbers of its own.
    private mutating func copy(_ target: JinjaTarget) -> JinjaTarget {
        switch target {
        case .name(let number): .name(variable(variables[number].name, isStored: true))
        case .tuple(let targets): .tuple(targets.map { copy($0) })
        case .attribute: target
        }
    }
}
