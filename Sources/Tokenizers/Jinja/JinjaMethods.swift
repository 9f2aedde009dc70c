extension JinjaInterpreter {
    /// Calls a method.
    func method(
        _ member: JinjaMember, of receiver: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        switch receiver {
        case .string(let text), .markup(let text):
            return try method(member, of: text, isMarkup: receiver.isMarkup, &arguments)
        case .mapping(let mapping): return try method(member, of: mapping, &arguments)
        case .list(let list), .tuple(let list): return try method(member, of: list.elements, &arguments)
        case .object(let range as JinjaRange):
            // A range's `index` takes no bounds.
            if member == .index, arguments.positional.count > 1 { throw .evaluation("'index' takes 1 argument") }
            return try method(member, of: elements(of: .object(range)), &arguments)
        case .object(let loop as JinjaLoop):
            let values = arguments.rest()
            try arguments.finish()
            if member == .changed {
                return .boolean(
                    try loop.changed(values) { left, right throws(JinjaError) in try areEqual(left, right) })
            }
            guard !values.isEmpty else { throw .evaluation("'cycle' needs at least one value") }
            return values[loop.index % values.count]
        case .object(let cycler as JinjaCycler):
            try arguments.finish()
            if member == .reset {
                cycler.position = 0
                return .none
            }
            defer { cycler.position = (cycler.position + 1) % cycler.items.count }
            return cycler.items[cycler.position]
        default: throw .evaluation("a \(receiver.typeName) has no method '\(member.rawValue)'")
        }
    }

    private func method(
        _ member: JinjaMember, of mapping: JinjaMapping, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        guard member == .get else {
            try arguments.finish()
            try spend(elements: mapping.count)
            return switch member {
            case .keys: .object(try JinjaView(.keys, of: mapping))
            case .values: .object(try JinjaView(.values, of: mapping))
            case .items: .object(try JinjaView(.items, of: mapping))
            default: .mapping(try JinjaMapping(mapping.entries))
            }
        }
        guard let key = arguments.takePositional() else { throw arguments.missing("key") }
        let replacement = arguments.takePositional() ?? .none
        try arguments.finish()
        return try value(of: key, in: mapping) ?? replacement
    }

    /// The value of a key, refusing what cannot be one.
    func value(of key: JinjaValue, in mapping: JinjaMapping) throws(JinjaError) -> JinjaValue? {
        try spend(key: key)
        if let value = mapping.value(of: key) { return value }
        guard JinjaKey(key) != nil else { throw .evaluation("a \(key.typeName) cannot be a key") }
        return nil
    }

    /// Counts looking for a key, or taking it in, which takes long for a long text.
    func spend(key: JinjaValue) throws(JinjaError) {
        if let text = key.text, text.utf8.count > 64 { try spend(bytes: text.utf8.count) }
    }

    private func method(
        _ member: JinjaMember, of elements: [JinjaValue], _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        if member == .copy {
            try arguments.finish()
            return try self.list(elements)
        }
        guard let sought = arguments.takePositional() else { throw arguments.missing("value") }
        if member == .count {
            try arguments.finish()
            var count = 0
            for element in elements {
                try step()
                if try areEqual(element, sought) { count += 1 }
            }
            return .integer(count)
        }
        let start = Self.clamped(try arguments.takePositionalBound("start") ?? 0, elements.count)
        let end = Self.clamped(try arguments.takePositionalBound("end") ?? .max, elements.count)
        try arguments.finish()
        for index in start..<max(start, end) {
            try step()
            if try areEqual(elements[index], sought) { return .integer(index) }
        }
        throw .evaluation("'index' finds no such value")
    }

    /// A bound of a slice as a position between 0 and the count.
    static func clamped(_ index: Int, _ count: Int) -> Int { index < 0 ? max(0, index + count) : min(index, count) }
}
