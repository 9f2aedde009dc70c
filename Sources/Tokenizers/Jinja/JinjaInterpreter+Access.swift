extension JinjaInterpreter {
    /// `base.name`: an attribute or method first, then what has the name for a key.
    func attribute(_ name: JinjaName, of base: JinjaValue, _ undefined: JinjaUndefined) throws(JinjaError) -> JinjaValue
    {
        if let member = name.member, let value = try self.member(member, of: base) { return value }
        switch base {
        case .mapping(let mapping): return mapping[name] ?? .undefined(undefined)
        case .object(let object):
            return (object as? JinjaNamespace)?[name.text] ?? .undefined(undefined)
        case .undefined(let missing): throw self.missing(missing)
        default: return .undefined(undefined)
        }
    }

    /// `base[key]`: an element first, then the attribute or method of that name.
    func item(_ key: JinjaValue, of base: JinjaValue, _ undefined: JinjaUndefined) throws(JinjaError) -> JinjaValue {
        if let value = try element(key, of: base) { return value }
        guard let text = key.text else { return .undefined(undefined) }
        return try attribute(JinjaName(text), of: base, undefined)
    }

    /// The element that a key or position has; `nil` where there is none.
    private func element(_ key: JinjaValue, of base: JinjaValue) throws(JinjaError) -> JinjaValue? {
        switch base {
        case .undefined(let missing): throw self.missing(missing)
        case .mapping(let mapping):
            try spend(key: key)
            return mapping.value(of: key)
        case .list(let list), .tuple(let list):
            guard let index = position(key, count: list.elements.count) else { return nil }
            return list.elements[index]
        case .string(let text), .markup(let text):
            guard key.integer != nil else { return nil }
            try spend(bytes: text.utf8.count)
            guard let index = position(key, count: text.scalarCount) else { return nil }
            let part = text.scalars(index..<index + 1)
            if case .markup = base { return .markup(part) }
            return .string(part)
        case .object(let object as JinjaRange):
            return position(key, count: object.count).map { .integer(object[$0]) }
        default: return nil
        }
    }

    private func position(_ key: JinjaValue, count: Int) -> Int? {
        guard let index = key.integer else { return nil }
        let position = index < 0 ? index + count : index
        return position >= 0 && position < count ? position : nil
    }

    /// An attribute that values of a kind have; `nil` for one they have not.
    private func member(_ member: JinjaMember, of base: JinjaValue) throws(JinjaError) -> JinjaValue? {
        if member.isRefused(of: base) {
            throw JinjaError(.unsupported, "'\(member.rawValue)' of a \(base.typeName)")
        }
        func method(if exists: Bool) -> JinjaValue? { exists ? .object(JinjaMethod(base, member)) : nil }
        func unsafe() -> JinjaValue { .undefined("'\(member.rawValue)' would change the \(base.typeName), so it") }
        switch base {
        case .string, .markup: return method(if: member.isOfStrings)
        case .mapping:
            if member.changesMappings { return unsafe() }
            return method(if: [.get, .items, .keys, .values, .copy].contains(member))
        case .list:
            if member.changesLists { return unsafe() }
            return method(if: [.index, .count, .copy].contains(member))
        case .tuple(let list):
            if list.isGroup, member == .grouper { return list.elements[0] }
            if list.isGroup, member == .list { return list.elements[1] }
            return method(if: [.index, .count].contains(member))
        case .object(let object):
            switch object {
            case let loop as JinjaLoop: return try self.member(member, of: loop)
            case let closure as JinjaClosure where member == .name:
                return closure.macro.name.map { .string($0) } ?? JinjaValue.none
            case let cycler as JinjaCycler where member == .current: return cycler.items[cycler.position]
            case is JinjaRange: return method(if: [.index, .count].contains(member))
            case is JinjaCycler: return method(if: [.next, .reset].contains(member))
            default: return nil
            }
        default: return nil
        }
    }

    private func member(_ member: JinjaMember, of loop: JinjaLoop) throws(JinjaError) -> JinjaValue? {
        func length() throws(JinjaError) -> Int {
            try loop.length { iterator throws(JinjaError) in try elements(of: .object(iterator)) }
        }
        switch member {
        case .index: return .integer(loop.index + 1)
        case .index0: return .integer(loop.index)
        case .revindex: return .integer(try length() - loop.index)
        case .revindex0: return .integer(try length() - loop.index - 1)
        case .first: return .boolean(loop.index == 0)
        case .last: return .boolean(try loop.peek() == nil)
        case .length: return .integer(try length())
        case .previtem: return loop.previous ?? .undefined("the item before the first of a loop")
        case .nextitem: return try loop.peek() ?? .undefined("the item after the last of a loop")
        case .depth: return .integer(loop.level + 1)
        case .depth0: return .integer(loop.level)
        case .cycle, .changed: return .object(JinjaMethod(.object(loop), member))
        default: return nil
        }
    }

    func missing(_ undefined: JinjaUndefined) -> JinjaError { .evaluation("\(undefined.text) is not defined") }

    /// The error for an undefined operand; the other one where both are defined.
    func refusal(_ operands: JinjaValue..., otherwise message: @autoclosure () -> String) -> JinjaError {
        for case .undefined(let undefined) in operands { return missing(undefined) }
        return .evaluation(message())
    }
}

// MARK: Slices

extension JinjaInterpreter {
    func slice(_ base: JinjaValue, start: Int?, stop: Int?, step: Int?) throws(JinjaError) -> JinjaValue {
        let step = step ?? 1
        guard step != 0 else { throw .evaluation("a slice's step is 0") }
        switch base {
        case .string(let text): return .string(try slice(text, start, stop, step))
        case .markup(let text): return .markup(try slice(text, start, stop, step))
        case .list(let list):
            if start == nil, stop == nil, step == -1 {
                var elements = list.elements
                elements.reverse()
                return try self.list(elements)
            }
            return try self.list(positions(start, stop, step, count: list.elements.count).map { list.elements[$0] })
        case .tuple(let list):
            let elements = positions(start, stop, step, count: list.elements.count).map { list.elements[$0] }
            try spend(elements: elements.count)
            return .tuple(try JinjaList(elements))
        case .object(let range as JinjaRange):
            let (first, end, _) = bounds(start, stop, step, count: range.count)
            let stride = range.step.multipliedReportingOverflow(by: step)
            guard !stride.overflow else { throw PythonNumber.pastRange }
            return .object(
                try JinjaRange(start: range.place(first), stop: range.place(end), step: stride.partialValue))
        default:
            throw refusal(base, otherwise: "a \(base.typeName) has no slices")
        }
    }

    private func slice(_ text: String, _ start: Int?, _ stop: Int?, _ step: Int) throws(JinjaError) -> String {
        try spend(bytes: text.utf8.count)
        let count = text.scalarCount
        if step == 1 {
            let (first, end, _) = bounds(start, stop, 1, count: count)
            return first < end ? text.scalars(first..<end) : ""
        }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        for position in positions(start, stop, step, count: count) { result.append(scalars[position]) }
        return String(result)
    }

    private func positions(_ start: Int?, _ stop: Int?, _ step: Int, count: Int) -> [Int] {
        let (first, _, length) = bounds(start, stop, step, count: count)
        return (0..<length).map { first + $0 * step }
    }

    /// Where a slice begins and ends, and how many elements it has.
    private func bounds(_ start: Int?, _ stop: Int?, _ step: Int, count: Int) -> (first: Int, end: Int, length: Int) {
        func clamped(_ index: Int?, _ open: Int) -> Int {
            guard let index else { return open }
            let (lowest, highest) = step > 0 ? (0, count) : (-1, count - 1)
            return min(max(index < 0 ? (index < -count ? -1 : index + count) : index, lowest), highest)
        }
        let first = clamped(start, step > 0 ? 0 : count - 1)
        let end = clamped(stop, step > 0 ? count : -1)
        let distance = step > 0 ? end - first : first - end
        let length = distance > 0 ? (distance - 1) / Int(clamping: step.magnitude) + 1 : 0
        return (first, end, length)
    }
}
