extension JinjaInterpreter {
    /// Sorts stably, by an order that may fail.
    func sort<Element>(
        _ elements: inout [Element], _ isBefore: (Element, Element) throws(JinjaError) -> Bool
    ) throws(JinjaError) {
        var width = 1
        while width < elements.count {
            var merged: [Element] = []
            merged.reserveCapacity(elements.count)
            var start = 0
            while start < elements.count {
                let middle = Swift.min(start + width, elements.count)
                let end = Swift.min(middle + width, elements.count)
                var (left, right) = (start, middle)
                while left < middle, right < end {
                    try step()
                    if try isBefore(elements[right], elements[left]) {
                        merged.append(elements[right])
                        right += 1
                    } else {
                        merged.append(elements[left])
                        left += 1
                    }
                }
                merged += elements[left..<middle]
                merged += elements[right..<end]
                start = end
            }
            elements = merged
            width *= 2
        }
    }

    /// Elements in the order of their keys.
    private func sorted(
        _ elements: [JinjaValue], descending: Bool = false, _ key: (JinjaValue) throws(JinjaError) -> JinjaValue
    ) throws(JinjaError) -> [(key: JinjaValue, value: JinjaValue)] {
        var keyed: [(key: JinjaValue, value: JinjaValue)] = []
        for element in elements { keyed.append((try key(element), element)) }
        try spend(elements: keyed.count)
        if descending { keyed.reverse() }
        try sort(&keyed) { left, right throws(JinjaError) in try isLess(left.key, right.key) }
        if descending { keyed.reverse() }
        return keyed
    }

    /// A string in lower case, where case is not to count.
    private func folded(_ value: JinjaValue, _ countsCase: Bool) throws(JinjaError) -> JinjaValue {
        guard !countsCase, let text = value.text else { return value }
        return try string(text.pythonLowercased)
    }

    func sort(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let descending = try arguments.take("reverse")?.isTrue ?? false
        let countsCase = try arguments.take("case_sensitive")?.isTrue ?? false
        let attribute = try arguments.take("attribute") ?? .none
        try arguments.finish()
        var paths: [JinjaPath] = []
        if let text = attribute.text {
            for part in text.parts(between: ",", limit: .max, fromRight: false) {
                paths.append(try JinjaPath(.string(part)))
            }
        } else {
            paths = [try JinjaPath(attribute)]
        }
        let sorted = try sorted(elements(of: value), descending: descending) { element throws(JinjaError) in
            var keys: [JinjaValue] = []
            for path in paths { keys.append(try folded(self.value(at: path, of: element), countsCase)) }
            return .list(try JinjaList(keys))
        }
        return try list(sorted.map(\.value))
    }

    func sortMapping(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let countsCase = try arguments.take("case_sensitive")?.isTrue ?? false
        let by = try arguments.take("by") ?? .string("key")
        let descending = try arguments.take("reverse")?.isTrue ?? false
        try arguments.finish()
        guard let by = by.text, ["key", "value"].contains(by) else {
            throw .evaluation("'dictsort' sorts by 'key' or by 'value'")
        }
        guard case .mapping(let mapping) = value else {
            throw refusal(value, otherwise: "'dictsort' takes a mapping, not a \(value.typeName)")
        }
        let sorted = try sorted(mapping.items(), descending: descending) { pair throws(JinjaError) in
            guard case .tuple(let pair) = pair else { return pair }
            return try folded(pair.elements[by == "key" ? 0 : 1], countsCase)
        }
        return try list(sorted.map(\.value))
    }

    func group(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let path = try JinjaPath(arguments.need("attribute"))
        let given = try arguments.take("default") ?? .none
        let replacement: JinjaValue? = given.isNone ? nil : given
        let countsCase = try arguments.take("case_sensitive")?.isTrue ?? false
        try arguments.finish()
        let sorted = try sorted(elements(of: value)) { element throws(JinjaError) in
            try folded(self.value(at: path, of: element, otherwise: replacement), countsCase)
        }
        var groups: [JinjaValue] = []
        var start = 0
        for end in 1...Swift.max(sorted.count, 1) where !sorted.isEmpty {
            if end < sorted.count, try areEqual(sorted[start].key, sorted[end].key) { continue }
            let members = sorted[start..<end].map(\.value)
            let key = try self.value(at: path, of: members[0], otherwise: replacement)
            groups.append(.tuple(try JinjaList([key, list(members)], isGroup: true)))
            start = end
        }
        return try list(groups)
    }

    func unique(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let countsCase = try arguments.take("case_sensitive")?.isTrue ?? false
        let path = try JinjaPath(arguments.take("attribute") ?? .none)
        try arguments.finish()
        return try lazily(value.depth) { () throws(JinjaError) in
            var seen: Set<JinjaKey> = []
            var kept: [JinjaValue] = []
            for element in try self.elements(of: value) {
                try self.step()
                let key = try self.folded(self.value(at: path, of: element), countsCase)
                try self.spend(key: key)
                guard let hashed = JinjaKey(key) else {
                    throw .evaluation("'unique' cannot tell a \(key.typeName) apart")
                }
                if seen.insert(hashed).inserted { kept.append(element) }
            }
            return kept
        }
    }

    func extreme(
        _ filter: JinjaFilter, _ value: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        let countsCase = try arguments.take("case_sensitive")?.isTrue ?? false
        let path = try JinjaPath(arguments.take("attribute") ?? .none)
        try arguments.finish()
        var best: (key: JinjaValue, value: JinjaValue)?
        for element in try elements(of: value) {
            try step()
            let key = try folded(self.value(at: path, of: element), countsCase)
            guard let current = best else {
                best = (key, element)
                continue
            }
            let isBetter = try filter == .min ? isLess(key, current.key) : isLess(current.key, key, ">")
            if isBetter { best = (key, element) }
        }
        return best?.value ?? .undefined("the '\(filter.rawValue)' of nothing")
    }

    func sum(_ value: JinjaValue, _ arguments: inout JinjaArguments) throws(JinjaError) -> JinjaValue {
        let path = try JinjaPath(arguments.take("attribute") ?? .none)
        var sum = try arguments.take("start") ?? .integer(0)
        try arguments.finish()
        guard sum.text == nil else { throw .evaluation("'sum' does not start with a string") }
        for element in try elements(of: value) {
            try step()
            sum = try arithmetic(.add, sum, self.value(at: path, of: element))
        }
        return sum
    }

    /// `batch` and `slice`: lists of so many elements, or so many lists.
    func part(
        _ filter: JinjaFilter, _ value: JinjaValue, _ arguments: inout JinjaArguments
    ) throws(JinjaError) -> JinjaValue {
        let count = try arguments.need(filter == .batch ? "linecount" : "slices")
        let fill = try arguments.take("fill_with") ?? .none
        try arguments.finish()
        return try lazily(value.depth + 1) { () throws(JinjaError) in
            let elements = try self.elements(of: value)
            guard let number = count.integer else {
                throw self.refusal(count, otherwise: "'\(filter.rawValue)' takes a number, not a \(count.typeName)")
            }
            try self.spend(elements: Swift.max(number, 0))
            if filter == .batch { return try self.batches(elements, of: number, fill) }
            guard number > 0 else {
                if number == 0 { throw .evaluation("division by zero") }
                return []
            }
            return try self.slices(elements, number, fill)
        }
    }

    private func batches(_ elements: [JinjaValue], of size: Int, _ fill: JinjaValue) throws(JinjaError) -> [JinjaValue]
    {
        var batches: [JinjaValue] = []
        var current: [JinjaValue] = []
        for element in elements {
            if current.count == size {
                batches.append(try list(current))
                current = []
            }
            current.append(element)
        }
        if !current.isEmpty {
            if !fill.isNone, current.count < size { current += Array(repeating: fill, count: size - current.count) }
            batches.append(try list(current))
        }
        return batches
    }

    private func slices(_ elements: [JinjaValue], _ count: Int, _ fill: JinjaValue) throws(JinjaError) -> [JinjaValue] {
        var slices: [JinjaValue] = []
        let (size, longer) = (elements.count / count, elements.count % count)
        var start = 0
        for number in 0..<count {
            let end = start + size + (number < longer ? 1 : 0)
            let filled = !fill.isNone && number >= longer ? [fill] : []
            slices.append(try list(elements[start..<end] + filled))
            start = end
        }
        return slices
    }
}
