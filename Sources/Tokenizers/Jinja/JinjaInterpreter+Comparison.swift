extension JinjaInterpreter {
    func holds(
        _ comparison: JinjaComparison, _ left: JinjaValue, _ right: JinjaValue
    ) throws(JinjaError) -> Bool {
        switch comparison {
        case .equal: try areEqual(left, right)
        case .notEqual: try !areEqual(left, right)
        case .less: try isLess(left, right, "<")
        case .greater: try isLess(right, left, ">")
        case .lessOrEqual: try isLess(left, right, "<=", orEqual: true)
        case .greaterOrEqual: try isLess(right, left, ">=", orEqual: true)
        case .contained: try contains(right, left)
        case .notContained: try !contains(right, left)
        }
    }

    func areEqual(_ left: JinjaValue, _ right: JinjaValue) throws(JinjaError) -> Bool {
        switch (left, right) {
        case (.string(let left), .string(let right)), (.markup(let left), .string(let right)),
            (.string(let left), .markup(let right)), (.markup(let left), .markup(let right)):
            if left.utf8.count > 64 { try step(left.utf8.count / 64) }
            return left.isSameText(as: right)
        case (.none, .none), (.undefined, .undefined): return true
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            return left === right ? true : try areEqual(left.elements, right.elements)
        case (.mapping(let left), .mapping(let right)):
            guard left.count == right.count else { return false }
            for (key, value) in zip(left.keys, left.values) {
                try step()
                guard let other = try self.value(of: key, in: right), try areEqual(value, other) else { return false }
            }
            return true
        case (.object(let left as JinjaRange), .object(let right as JinjaRange)):
            return left.count == right.count
                && (left.count == 0 || left.start == right.start && (left.count == 1 || left.step == right.step))
        case (.object(let left as JinjaView), .object(let right as JinjaView)):
            guard left.kind != .values, right.kind != .values else { return left === right }
            guard left.elements.count == right.elements.count else { return false }
            for element in left.elements {
                guard try contains(.object(right), element) else { return false }
            }
            return true
        case (.object(let left as JinjaBigInteger), .object(let right as JinjaBigInteger)):
            return left.text == right.text
        case (.object(let left), .object(let right)): return left === right
        default:
            if let left = left.integer, let right = right.integer { return left == right }
            return order(left, right) == .same
        }
    }

    func areEqual(_ left: [JinjaValue], _ right: [JinjaValue]) throws(JinjaError) -> Bool {
        guard left.count == right.count else { return false }
        for (left, right) in zip(left, right) {
            try step()
            guard try areEqual(left, right) else { return false }
        }
        return true
    }

    private enum Order {
        case before, same, after, none
    }

    /// How two numbers lie.
    private func order(_ left: JinjaValue, _ right: JinjaValue) -> Order {
        func order(_ left: Double, _ right: Double) -> Order {
            left < right ? .before : left == right ? .same : left > right ? .after : .none
        }
        switch (left, right) {
        case (.float(let left), .float(let right)): return order(left, right)
        case (.float(let left), _):
            guard let right = right.integer else { return .none }
            return Int(exactly: left).map { $0 < right ? .before : $0 == right ? .same : .after }
                ?? order(left, Double(right))
        case (_, .float(let right)):
            guard let left = left.integer else { return .none }
            return Int(exactly: right).map { left < $0 ? .before : left == $0 ? .same : .after }
                ?? order(Double(left), right)
        default: return .none
        }
    }

    func isLess(
        _ left: JinjaValue, _ right: JinjaValue, _ symbol: String = "<", orEqual: Bool = false
    ) throws(JinjaError) -> Bool {
        if let left = left.integer, let right = right.integer { return orEqual ? left <= right : left < right }
        if let left = left.text, let right = right.text {
            try step(1 + min(left.utf8.count, right.utf8.count) / 64)
            return left.isBefore(right) || orEqual && left.isSameText(as: right)
        }
        if try number(left) != nil, try number(right) != nil {
            let order = order(left, right)
            return order == .before || orEqual && order == .same
        }
        switch (left, right) {
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            for (left, right) in zip(left.elements, right.elements) {
                try step()
                if try !areEqual(left, right) { return try isLess(left, right, symbol, orEqual: orEqual) }
            }
            return left.elements.count < right.elements.count || orEqual && left.elements.count == right.elements.count
        default:
            throw refusal(
                left, right, otherwise: "'\(symbol)' cannot compare a \(left.typeName) and a \(right.typeName)")
        }
    }

    /// `value in container`.
    func contains(_ container: JinjaValue, _ value: JinjaValue) throws(JinjaError) -> Bool {
        switch container {
        case .string(let text), .markup(let text):
            guard let part = value.text else {
                throw refusal(value, otherwise: "a \(value.typeName) cannot stand in a string")
            }
            try step(1 + text.utf8.count / 64)
            return text.contains(text: part)
        case .mapping(let mapping):
            return try self.value(of: value, in: mapping) != nil
        case .object(let view as JinjaView) where view.kind == .keys && JinjaKey(value) == nil:
            throw refusal(value, otherwise: "a \(value.typeName) cannot be a key")
        case .object(let object as JinjaIterator):
            while let element = try object.next() {
                try step()
                if try areEqual(element, value) { return true }
            }
            return false
        default:
            for element in try elements(of: container) {
                try step()
                if try areEqual(element, value) { return true }
            }
            return false
        }
    }
}

// MARK: Iteration

extension JinjaInterpreter {
    /// All elements that there are, or the first ones.
    func elements(of value: JinjaValue, upTo limit: Int = .max) throws(JinjaError) -> [JinjaValue] {
        switch value {
        case .list(let list), .tuple(let list): return list.elements
        case .mapping(let mapping): return mapping.keys
        case .undefined: return []
        case .string(let text), .markup(let text):
            try spend(elements: text.utf8.count)
            return text.characters.map { .string($0) }
        case .object(let object):
            switch object {
            case let range as JinjaRange:
                try spend(elements: range.count)
                return range.elements
            case let view as JinjaView: return view.elements
            case let iterator as JinjaIterator:
                var elements: [JinjaValue] = []
                while elements.count < limit, let element = try iterator.next() {
                    try spend(elements: 0)
                    elements.append(element)
                }
                return elements
            case let loop as JinjaLoop:
                var elements: [JinjaValue] = []
                while let element = try loop.next() {
                    try step()
                    elements.append(.tuple(try JinjaList([element, value])))
                }
                return elements
            default: break
            }
        default: break
        }
        throw .evaluation("a \(value.typeName) has no elements to go through")
    }

    /// The elements one after another; what is an iterator goes on where it stands.
    func iterator(over value: JinjaValue) throws(JinjaError) -> JinjaIterator {
        if case .object(let object) = value, let iterator = object as? JinjaIterator { return iterator }
        return try JinjaIterator(elements(of: value), depth: value.depth)
    }

    /// The number of elements; `nil` for what has none to count.
    func length(of value: JinjaValue) throws(JinjaError) -> Int? {
        switch value {
        case .string(let text), .markup(let text):
            try step(1 + text.utf8.count / 64)
            return text.scalarCount
        case .list(let list), .tuple(let list): return list.elements.count
        case .mapping(let mapping): return mapping.count
        case .undefined: return 0
        case .object(let range as JinjaRange): return range.count
        case .object(let view as JinjaView): return view.elements.count
        case .object(let loop as JinjaLoop):
            return try loop.length { iterator throws(JinjaError) in try elements(of: .object(iterator)) }
        default: return nil
        }
    }
}
