import JSON

/// A dict: its keys in order, and their values.
final class JinjaMapping {
    private let names: JinjaKeys
    let values: [JinjaValue]
    let depth: Int

    var keys: [JinjaValue] { names.values }
    var count: Int { values.count }

    init(_ keys: JinjaKeys, _ values: [JinjaValue]) throws(JinjaError) {
        self.names = keys
        self.values = values
        depth = try max(JinjaLimits.depth(above: values), keys.depth)
    }

    convenience init(_ object: JSONObject) throws(JinjaError) {
        var keys: [JinjaValue] = []
        var values: [JinjaValue] = []
        keys.reserveCapacity(object.entries.count)
        values.reserveCapacity(object.entries.count)
        for entry in object.entries {
            keys.append(.string(entry.key))
            values.append(try JinjaValue(entry.value))
        }
        try self.init(JinjaKeys(keys), values)
    }

    /// Of entries in which a later one replaces the value of an earlier one of the same key.
    convenience init(_ entries: [(key: JinjaValue, value: JinjaValue)]) throws(JinjaError) {
        var keys: [JinjaValue] = []
        var values: [JinjaValue] = []
        var positions: [JinjaKey: Int] = [:]
        for (key, value) in entries {
            guard let hashed = JinjaKey(key) else { throw .evaluation("a \(key.typeName) cannot be a key") }
            if let index = positions[hashed] {
                values[index] = value
            } else {
                positions[hashed] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
        try self.init(JinjaKeys(keys), values)
    }

    subscript(_ name: JinjaName) -> JinjaValue? { names.position(of: name).map { values[$0] } }

    /// The value of a key; `nil` too for what cannot be one.
    func value(of key: JinjaValue) -> JinjaValue? { names.position(of: key).map { values[$0] } }

    var entries: [(key: JinjaValue, value: JinjaValue)] { Array(zip(keys, values)) }
}

/// The keys of a mapping in order, which mappings of the same ones share. Nothing in it changes.
final class JinjaKeys {
    let values: [JinjaValue]
    let depth: Int
    /// Of each key that is a string, so that the bytes of most need not be looked at; of others what no string has.
    private let marks: [UInt64]
    /// Whether the marks are looked through.
    private let isShort: Bool
    /// Positions by key, where there are so many that looking through all takes longer, or some are no strings.
    private let positions: [JinjaKey: Int]
    private static let few = 12

    /// - Parameter values: No two are equal.
    init(_ values: [JinjaValue]) throws(JinjaError) {
        self.values = values
        depth = try JinjaLimits.depth(above: values)
        isShort = values.count <= Self.few
        marks = isShort ? values.map { $0.text?.mark ?? .max } : []
        var positions: [JinjaKey: Int] = [:]
        if !isShort || marks.contains(.max) {
            for (index, key) in values.enumerated() {
                if let key = JinjaKey(key) { positions[key] = index }
            }
        }
        self.positions = positions
    }

    func position(of name: JinjaName) -> Int? {
        isShort ? position(of: name.text, name.mark) : positions[.text(name.text)]
    }

    func position(of key: JinjaValue) -> Int? {
        if isShort, let text = key.text { return position(of: text, text.mark) }
        return positions.isEmpty ? nil : JinjaKey(key).flatMap { positions[$0] }
    }

    private func position(of text: String, _ mark: UInt64) -> Int? {
        for index in marks.indices where marks[index] == mark {
            if text.utf8.count <= String.markedBytes || values[index].text?.isSameText(as: text) ?? false {
                return index
            }
        }
        return nil
    }
}

/// What a value is among keys: as in Python, `1`, `1.0` and `true` are the same.
enum JinjaKey: Hashable {
    case none, undefined
    case integer(Int)
    case float(Double)
    case text(String)
    case tuple([JinjaKey])
    case object(ObjectIdentifier)

    /// `nil` for lists and mappings, which cannot be keys.
    init?(_ value: JinjaValue) {
        switch value {
        case .none: self = .none
        case .undefined: self = .undefined
        case .boolean(let value): self = .integer(value ? 1 : 0)
        case .integer(let value): self = .integer(value)
        case .float(let value): self = Int(exactly: value).map { .integer($0) } ?? .float(value)
        case .string(let text), .markup(let text): self = .text(text)
        case .list, .mapping: return nil
        case .tuple(let list):
            // A tuple of tuples may hold the same one many times over; no template has such keys.
            guard list.depth <= 4 else { return nil }
            var keys: [JinjaKey] = []
            for element in list.elements {
                guard let key = JinjaKey(element) else { return nil }
                keys.append(key)
            }
            self = .tuple(keys)
        case .object(let object): self = .object(ObjectIdentifier(object))
        }
    }

    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.none, .none), (.undefined, .undefined): true
        case (.integer(let left), .integer(let right)): left == right
        case (.float(let left), .float(let right)): left == right
        case (.text(let left), .text(let right)): left.isSameText(as: right)
        case (.tuple(let left), .tuple(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .none: hasher.combine(0)
        case .undefined: hasher.combine(1)
        case .integer(let value): hasher.combine(value)
        case .float(let value): hasher.combine(value)
        case .text(var text): text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        case .tuple(let keys): hasher.combine(keys)
        case .object(let identity): hasher.combine(identity)
        }
    }
}
