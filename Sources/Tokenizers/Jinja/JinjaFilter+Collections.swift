/// Keys and positions one after another, as filters take them: `"function.arguments.0"`.
struct JinjaPath {
    let steps: [JinjaValue]

    init(_ value: JinjaValue) throws(JinjaError) {
        switch value {
        case .none: steps = []
        case .string(let text), .markup(let text):
            var steps: [JinjaValue] = []
            for part in text.parts(between: ".", limit: .max, fromRight: false) {
                let number = part.isAll(\.isPythonDigit) ? try PythonNumber.integer(part) : nil
                steps.append(number.map { .integer($0) } ?? .string(part))
            }
            self.steps = steps
        default: steps = [value]
        }
    }
}

extension JinjaInterpreter {
    func value(
        at path: JinjaPath, of value: JinjaValue, otherwise replacement: JinjaValue? = nil
    ) throws(JinjaError) -> JinjaValue {
        var value = value
        for key in path.steps {
            value = try item(key, of: value, JinjaUndefined("'\(text(of: key))' of an item"))
            if value.isUndefined, let replacement { value = replacement }
        }
        return value
    }

    /// The filters that go through elements.
    func collectionFilter(
        _ filter: JinjaFilter, _ value: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        switch filter {
        case .map: return try map(value, &arguments)
        case .select: return try select(value, &arguments, keeps: true, byAttribute: false)
        case .reject: return try select(value, &arguments, keeps: false, byAttribute: false)
        case .selectattr: return try select(value, &arguments, keeps: true, byAttribute: true)
        case .rejectattr: return try select(value, &arguments, keeps: false, byAttribute: true)
        case .sort: return try sort(value, &arguments)
        case .dictsort: return try sortMapping(value, &arguments)
        case .groupby: return try group(value, &arguments)
        case .unique: return try unique(value, &arguments)
        case .min, .max: return try extreme(filter, value, &arguments)
        case .sum: return try sum(value, &arguments)
        case .batch, .slice: return try part(filter, value, &arguments)
        default:
            try arguments.finish()
            return try lazily(value.depth) { () throws(JinjaError) -> [JinjaValue] in
                switch value {
                case .undefined: return []
                case .mapping(let mapping): return try mapping.items()
                default: throw .evaluation("'items' takes a mapping, not a \(value.typeName)")
                }
            }
        }
    }

    /// An iterator that computes its elements when the first is asked for.
    func lazily(
        _ depth: Int, _ compute: @escaping () throws(JinjaError) -> [JinjaValue]
    ) throws(JinjaError) -> JinjaValue {
        var elements: [JinjaValue]?
        var index = 0
        return .object(
            try JinjaIterator(above: depth) { () throws(JinjaError) -> JinjaValue? in
                let all: [JinjaValue]
                if let elements { all = elements } else { all = try compute() }
                elements = all
                guard index < all.count else { return nil }
                defer { index += 1 }
                return all[index]
            })
    }

    private func map(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let given = arguments
        let depth = value.depth
        var source: JinjaIterator?
        var transform: ((JinjaValue) throws(JinjaError) -> JinjaValue)?
        return .object(
            try JinjaIterator(above: depth) { () throws(JinjaError) -> JinjaValue? in
                guard value.isTrue else { return nil }
                try self.descend()
                defer { self.ascend() }
                if transform == nil { transform = try self.transformation(given) }
                if source == nil { source = try self.iterator(over: value) }
                guard let element = try source?.next() else { return nil }
                try self.step()
                return try transform?(element)
            })
    }

    private func transformation(
        _ given: JinjaArguments
    ) throws(JinjaError) -> (JinjaValue) throws(JinjaError) -> JinjaValue {
        var arguments = given
        if given.positional.isEmpty, given.keywords.contains(where: { $0.name == "attribute" }) {
            let path = try JinjaPath(arguments.take("attribute") ?? .none)
            let replacement = try arguments.take("default") ?? .none
            try arguments.finish()
            return { element throws(JinjaError) in
                try self.value(at: path, of: element, otherwise: replacement.isNone ? nil : replacement)
            }
        }
        guard let name = arguments.takePositional() else { throw .evaluation("'map' needs a filter or 'attribute'") }
        let filter = try filter(named: name)
        let passed = JinjaArguments(filter.rawValue, arguments.rest(), given.keywords)
        return { element throws(JinjaError) in
            var arguments = passed
            return try self.apply(filter, to: element, &arguments)
        }
    }

    private func select(
        _ value: JinjaValue, _ arguments: inout JinjaArguments, keeps: Bool, byAttribute: Bool
    ) throws(JinjaError) -> JinjaValue {
        let given = arguments
        var source: JinjaIterator?
        var condition: ((JinjaValue) throws(JinjaError) -> Bool)?
        return .object(
            try JinjaIterator(above: value.depth) { () throws(JinjaError) -> JinjaValue? in
                guard value.isTrue else { return nil }
                try self.descend()
                defer { self.ascend() }
                if condition == nil { condition = try self.condition(given, byAttribute: byAttribute) }
                if source == nil { source = try self.iterator(over: value) }
                while let element = try source?.next() {
                    try self.step()
                    if try condition?(element) == keeps { return element }
                }
                return nil
            })
    }

    private func condition(
        _ given: JinjaArguments, byAttribute: Bool
    ) throws(JinjaError) -> (JinjaValue) throws(JinjaError) -> Bool {
        var arguments = given
        var path: JinjaPath?
        if byAttribute {
            guard let attribute = arguments.takePositional() else { throw arguments.missing("attribute") }
            path = try JinjaPath(attribute)
        }
        let chosen = path
        guard let name = arguments.takePositional() else {
            return { element throws(JinjaError) in
                guard let chosen else { return element.isTrue }
                return try self.value(at: chosen, of: element).isTrue
            }
        }
        let test = try test(named: name)
        let passed = JinjaArguments(test.rawValue, arguments.rest(), given.keywords)
        return { element throws(JinjaError) in
            var arguments = passed
            var element = element
            if let chosen { element = try self.value(at: chosen, of: element) }
            return try self.apply(test, to: element, &arguments)
        }
    }
}
