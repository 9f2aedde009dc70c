extension JinjaInterpreter {
    /// The values of arguments.
    func arguments(
        _ list: JinjaArgumentList, _ name: String, _ caller: JinjaValue?, _ frame: JinjaFrame
    ) throws(JinjaError) -> JinjaArguments {
        if list.isEmpty, caller == nil { return JinjaArguments(name) }
        var positional = list.positional.isEmpty ? [] : try values(of: list.positional, frame)
        var keywords: [JinjaKeyword] = []
        keywords.reserveCapacity(list.keywords.count)
        for keyword in list.keywords {
            keywords.append(JinjaKeyword(name: keyword.name, value: try keyword.value.value(self, frame)))
        }
        if let spread = list.spread {
            positional += try elements(of: spread.value(self, frame))
            try spend(elements: positional.count)
        }
        if let spread = list.spreadKeywords {
            guard case .mapping(let mapping) = try spread.value(self, frame) else {
                throw .evaluation("'**' takes a mapping")
            }
            try spend(elements: mapping.count)
            for (key, value) in mapping.entries {
                guard let text = key.text, !keywords.contains(where: { $0.name.isSameText(as: text) }) else {
                    throw .evaluation("'**' takes a mapping of names that are not passed already")
                }
                keywords.append(JinjaKeyword(name: text, value: value))
            }
        }
        if let caller {
            guard !keywords.contains(where: { $0.name == "caller" }) else {
                throw .evaluation("'caller' is passed twice")
            }
            keywords.append(JinjaKeyword(name: "caller", value: caller))
        }
        return JinjaArguments(name, positional, keywords)
    }

    /// Calls a function, a macro or a method.
    func call(
        _ callee: JinjaValue, _ arguments: JinjaArguments, at offset: Int
    ) throws(JinjaError) -> JinjaValue {
        go(to: offset)
        var arguments = arguments
        guard case .object(let object) = callee else {
            throw refusal(callee, otherwise: "a \(callee.typeName) cannot be called")
        }
        switch object {
        case let method as JinjaMethod: return try self.method(method.member, of: method.receiver, &arguments)
        case let closure as JinjaClosure: return try call(closure, arguments)
        case let function as JinjaGlobalFunction: return try call(function.kind, &arguments)
        case let joiner as JinjaJoiner:
            try arguments.finish()
            defer { joiner.isUsed = true }
            return joiner.isUsed ? joiner.separator : .string("")
        case let loop as JinjaLoop:
            guard let recursion = loop.recursion else {
                throw .evaluation("only a loop marked 'recursive' can be called")
            }
            let elements = try arguments.need("iterable")
            try arguments.finish()
            return .string(try recurse(recursion.statement, elements, recursion.frame, level: loop.level + 1))
        default: throw .evaluation("a \(object.typeName) cannot be called")
        }
    }

    private func call(_ closure: JinjaClosure, _ passed: JinjaArguments) throws(JinjaError) -> JinjaValue {
        let macro = closure.macro
        let name = macro.name ?? "caller"
        let frame = frame(macro.scope, in: closure.frame)
        var keywords = passed.keywords
        func take(_ name: String) -> JinjaValue? {
            keywords.firstIndex { $0.name.isSameText(as: name) }.map { keywords.remove(at: $0).value }
        }
        enter(macro.scope, frame)
        let positional = passed.positional
        for (index, parameter) in macro.parameters.enumerated() {
            if let value = index < positional.count ? positional[index] : take(parameter.name) {
                set(parameter.variable, value, frame)
            }
        }
        if let caller = macro.caller {
            set(caller, take("caller") ?? .undefined("'caller' of '\(name)'"), frame)
        }
        if let variable = macro.keywords {
            set(variable, .mapping(try JinjaMapping(keywords.map { (.string($0.name), $0.value) })), frame)
        } else if let keyword = keywords.first {
            throw .evaluation("'\(name)' has no parameter '\(keyword.name)'")
        }
        let rest = positional.dropFirst(macro.parameters.count)
        if let variable = macro.rest {
            set(variable, .tuple(try JinjaList(Array(rest))), frame)
        } else if !rest.isEmpty {
            throw .evaluation("'\(name)' takes \(macro.parameters.count) arguments, not \(positional.count)")
        }
        try descend()
        defer { ascend() }
        let text = try capture { () throws(JinjaError) in
            for parameter in macro.parameters
            where value(of: parameter.variable, frame) == nil {
                let value =
                    try parameter.defaultValue.map { value throws(JinjaError) in try value.value(self, frame) }
                    ?? .undefined("the parameter '\(parameter.name)' of '\(name)'")
                set(parameter.variable, value, frame)
            }
            return try execute(macro.body, frame)
        }.text
        return .string(text)
    }
}

// MARK: Functions

extension JinjaInterpreter {
    private func call(
        _ function: JinjaGlobalFunction.Kind, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        switch function {
        case .range: return try range(&arguments)
        case .dict: return .mapping(try JinjaMapping(entries(&arguments)))
        case .namespace:
            // Where a key is no name, it is refused as one that begins with an underscore.
            var attributes: [JinjaKeyword] = []
            if arguments.positional.isEmpty {
                attributes = arguments.restOfKeywords()
                try spend(elements: attributes.count)
            } else {
                for (key, value) in try JinjaMapping(entries(&arguments)).entries {
                    attributes.append(JinjaKeyword(name: key.text ?? "_", value: value))
                }
            }
            guard !attributes.contains(where: { $0.name.utf8.first == UInt8(ascii: "_") }) else {
                throw .evaluation("a namespace's attribute is a name without an underscore before it")
            }
            return .object(namespace(attributes))
        case .cycler:
            let items = arguments.rest()
            try arguments.finish()
            return .object(try JinjaCycler(items))
        case .joiner:
            let separator = try arguments.take("sep") ?? .string(", ")
            try arguments.finish()
            return .object(try JinjaJoiner(separator))
        case .raiseException:
            let message = try text(of: arguments.need("message"))
            try arguments.finish()
            throw JinjaError(.raised, message)
        case .strftimeNow:
            let format = try arguments.needText("format")
            try arguments.finish()
            guard let date else { throw .evaluation("the template writes today's date, and none is given") }
            return try string(date.text(format))
        case .lipsum: throw JinjaError(.unsupported, "the function 'lipsum'")
        }
    }

    private func range(_ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        var bounds: [Int] = []
        for value in arguments.rest() {
            guard let integer = value.integer else {
                throw refusal(value, otherwise: "'range' takes integers, not a \(value.typeName)")
            }
            bounds.append(integer)
        }
        try arguments.finish()
        guard (1...3).contains(bounds.count) else { throw .evaluation("'range' takes 1 to 3 arguments") }
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw .evaluation("a range's step is 0") }
        let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
        return .object(try JinjaRange(start: start, stop: stop, step: step))
    }

    /// What Python's `dict` is made of: those of a mapping or pairs, and what is passed by name. Later ones count.
    private func entries(
        _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> [(key: JinjaValue, value: JinjaValue)] {
        var entries: [(key: JinjaValue, value: JinjaValue)] = []
        switch arguments.takePositional() {
        case nil: break
        case .mapping(let mapping)?: entries = mapping.entries
        case let pairs?:
            for pair in try elements(of: pairs) {
                let parts = try elements(of: pair, upTo: 3)
                guard parts.count == 2 else { throw .evaluation("'\(arguments.name)' takes a mapping or pairs") }
                try spend(key: parts[0])
                entries.append((parts[0], parts[1]))
            }
        }
        for keyword in arguments.restOfKeywords() { entries.append((.string(keyword.name), keyword.value)) }
        try arguments.finish()
        try spend(elements: entries.count)
        return entries
    }
}
