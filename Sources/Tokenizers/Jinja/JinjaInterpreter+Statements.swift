extension JinjaInterpreter {
    func execute(_ statements: [JinjaStatement], _ frame: JinjaFrame) throws(JinjaError) -> JinjaFlow {
        for statement in statements {
            let flow = try execute(statement, frame)
            if flow != .next { return flow }
        }
        return .next
    }

    private func execute(_ statement: JinjaStatement, _ frame: JinjaFrame) throws(JinjaError) -> JinjaFlow {
        try step()
        switch statement {
        case .text(let text): try write(text.text)
        case .print(let statement): try print(statement.value, frame)
        case .conditional(let statement): return try execute(statement, frame)
        case .loop(let loop): return try execute(loop, frame)
        case .set(let statement): try execute(statement, frame)
        case .setBlock(let target, let filters, let body, let scope, let offset):
            let (value, flow) = try captured(filters, body, scope, frame)
            if flow != .next { return flow }
            go(to: offset)
            try check(target, frame, at: offset)
            try assign(value, to: target, frame)
        case .macro(let macro, let target): set(target, closure(macro, frame), frame)
        case .call(let call, let body):
            try write(blockText(call.call(self, frame, caller: closure(body, frame))))
        case .filter(let filters, let body, let scope):
            let (value, flow) = try captured(filters, body, scope, frame)
            if flow != .next { return flow }
            try write(blockText(value))
        case .with(let values, let body, let scope, let offset):
            enter(scope, frame)
            for (target, expression) in values {
                let value = try expression.value(self, frame)
                go(to: offset)
                try assign(value, to: target, frame)
            }
            return try nested(body, frame)
        case .generation(let body, let offset): try generation(body, frame, at: offset)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        case .unsupported(let what, let offset):
            go(to: offset)
            throw JinjaError(.unsupported, what)
        }
        return .next
    }

    private func nested(_ statements: [JinjaStatement], _ frame: JinjaFrame) throws(JinjaError) -> JinjaFlow {
        try descend()
        let flow = try execute(statements, frame)
        ascend()
        return flow
    }

    private func execute(_ statement: JinjaSetStatement, _ frame: JinjaFrame) throws(JinjaError) {
        if case .name(let variable) = statement.target {
            let value = try statement.value.value(self, frame)
            go(to: statement.offset)
            set(variable, value, frame)
        } else {
            try check(statement.target, frame, at: statement.offset)
            let value = try statement.value.value(self, frame)
            go(to: statement.offset)
            try assign(value, to: statement.target, frame)
        }
    }

    private func print(_ expression: JinjaExpression, _ frame: JinjaFrame) throws(JinjaError) {
        let start = output.count
        if let value = try expression.append(self, frame) {
            try write(text(of: value))
        } else {
            try check(written: output.count - start)
        }
    }

    private func execute(
        _ statement: JinjaConditionalStatement, _ frame: JinjaFrame
    ) throws(JinjaError) -> JinjaFlow {
        if try statement.test.isTrue(self, frame) { return try nested(statement.body, frame) }
        for branch in statement.alternatives where try branch.test.isTrue(self, frame) {
            return try nested(branch.body, frame)
        }
        return statement.otherwise.isEmpty ? .next : try nested(statement.otherwise, frame)
    }

    /// What a block writes, filtered.
    private func captured(
        _ filters: [JinjaFilterCall], _ body: [JinjaStatement], _ scope: Int, _ frame: JinjaFrame
    ) throws(JinjaError) -> (JinjaValue, JinjaFlow) {
        enter(scope, frame)
        let (text, flow) = try capture { () throws(JinjaError) in try nested(body, frame) }
        var value = JinjaValue.string(text)
        if flow == .next {
            for filter in filters { value = try self.filter(value, filter, frame) }
        }
        return (value, flow)
    }

    /// What a block has for its text, which jinja2 does not turn into one.
    private func blockText(_ value: JinjaValue) throws(JinjaError) -> String {
        guard let text = value.text else {
            throw .evaluation("a block gives a \(value.typeName) where a string is expected")
        }
        return text
    }

    /// The body's variables are its own, as in the macro that jinja2 makes of it.
    private func generation(_ body: JinjaMacro, _ frame: JinjaFrame, at offset: Int) throws(JinjaError) {
        let inner = self.frame(body.scope, in: frame)
        enter(body.scope, inner)
        if let keywords = body.keywords { set(keywords, .mapping(try JinjaMapping([])), inner) }
        if let rest = body.rest { set(rest, .tuple(try JinjaList([])), inner) }
        let start = output.count
        _ = try nested(body.body, inner)
        if captures > 0 {
            capturedGeneration = capturedGeneration ?? offset
        } else {
            generations.append(start..<output.count)
        }
    }
}

// MARK: Loops

extension JinjaInterpreter {
    private func execute(_ statement: JinjaLoopStatement, _ frame: JinjaFrame) throws(JinjaError) -> JinjaFlow {
        let iterable = try statement.iterable.value(self, frame)
        go(to: statement.offset)
        guard !statement.isRecursive else {
            try write(recurse(statement, iterable, frame, level: 0))
            return .next
        }
        return try run(statement, iterable, frame, level: 0, recursion: nil)
    }

    /// What a recursive loop writes for the elements.
    func recurse(
        _ statement: JinjaLoopStatement, _ iterable: JinjaValue, _ outer: JinjaFrame, level: Int
    ) throws(JinjaError) -> String {
        try descend()
        let frame = frame(statement.scope, in: outer)
        let text = try capture { () throws(JinjaError) in
            try run(statement, iterable, frame, level: level, recursion: (statement, outer))
        }.text
        ascend()
        return text
    }

    private func run(
        _ statement: JinjaLoopStatement, _ iterable: JinjaValue, _ frame: JinjaFrame, level: Int,
        recursion: (statement: JinjaLoopStatement, frame: JinjaFrame)?
    ) throws(JinjaError) -> JinjaFlow {
        let loop = try loop(over: iterable, statement, frame, level: level, recursion)
        var isEmpty = true
        try descend()
        defer { ascend() }
        while let element = try loop.next() {
            enter(statement.scope, frame)
            if let variable = statement.loop { set(variable, .object(loop), frame) }
            go(to: statement.offset)
            try assign(element, to: statement.target, frame)
            try step()
            let flow = try execute(statement.body, frame)
            // As in jinja2, a loop no round of which comes to its end counts as empty.
            if flow == .next { isEmpty = false }
            if flow == .breakLoop { break }
        }
        return isEmpty ? try otherwise(statement, frame) : .next
    }

    private func otherwise(_ statement: JinjaLoopStatement, _ frame: JinjaFrame) throws(JinjaError) -> JinjaFlow {
        guard !statement.otherwise.isEmpty else { return .next }
        enter(statement.otherwiseScope, frame)
        return try execute(statement.otherwise, frame)
    }

    private func loop(
        over iterable: JinjaValue, _ statement: JinjaLoopStatement, _ frame: JinjaFrame, level: Int,
        _ recursion: (statement: JinjaLoopStatement, frame: JinjaFrame)?
    ) throws(JinjaError) -> JinjaLoop {
        if let filter = statement.filter {
            let source = try iterator(over: iterable)
            enter(filter.scope, frame)
            let chosen = try JinjaIterator(above: source.depth) { () throws(JinjaError) -> JinjaValue? in
                while let element = try source.next() {
                    try self.step()
                    try self.assign(element, to: filter.target, frame)
                    if try filter.test.isTrue(self, frame) { return element }
                }
                return nil
            }
            return try JinjaLoop([], chosen, depth: chosen.depth, level: level, recursion: recursion)
        }
        if case .object(let object) = iterable, let iterator = object as? JinjaIterator {
            return try JinjaLoop([], iterator, depth: iterator.depth, level: level, recursion: recursion)
        }
        return try JinjaLoop(elements(of: iterable), nil, depth: iterable.depth, level: level, recursion: recursion)
    }
}

// MARK: Assignment

extension JinjaInterpreter {
    /// Refuses attributes of what is no namespace, before the value is computed.
    private func check(_ target: JinjaTarget, _ frame: JinjaFrame, at offset: Int) throws(JinjaError) {
        switch target {
        case .name: break
        case .tuple(let targets): for target in targets { try check(target, frame, at: offset) }
        case .attribute(let variable, let undefined, _):
            if try namespace(variable, frame) == nil {
                go(to: offset)
                throw .evaluation("'\(undefined.text)' is set, which is no attribute of a namespace")
            }
        }
    }

    private func namespace(_ variable: Int, _ frame: JinjaFrame) throws(JinjaError) -> JinjaNamespace? {
        guard case .object(let object)? = value(of: variable, frame) else { return nil }
        return object as? JinjaNamespace
    }

    func assign(_ value: consuming JinjaValue, to target: JinjaTarget, _ frame: JinjaFrame) throws(JinjaError) {
        switch target {
        case .name(let variable): set(variable, value, frame)
        case .attribute(let variable, _, let name):
            guard let namespace = try namespace(variable, frame) else { return }
            guard !name.hasPrefix("_") else {
                throw .evaluation("'\(name)' begins with an underscore, which no attribute of a namespace may")
            }
            try step()
            namespace[name] = value
        case .tuple(let targets):
            let elements = try elements(of: value, upTo: targets.count + 1)
            guard elements.count == targets.count else {
                throw .evaluation(
                    "\(targets.count) values are expected, and there are \(elements.count > targets.count ? "more" : "\(elements.count)")"
                )
            }
            for (element, target) in zip(elements, targets) { try assign(element, to: target, frame) }
        }
    }
}
