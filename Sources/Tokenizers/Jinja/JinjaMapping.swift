import JSON

/// A dict: its keys in order, and their values.
final class JinjaMapping {
    let keys: [JinjaValue]
    let values: [JinjaValue]
    let depth: Int
    /// Positions by key, where there are so many that looking through all takes longer.
    private lazy var positions: [JinjaKey: Int] = {
        var positions: [JinjaKey: Int] = [:]
        for (index, key) in keys.enumerated() {
            if let key = JinjaKey(key) { positions[key] = index }
        }
        return positions
    }()
    private static let few = 12

    var count: Int { keys.count }

    /// - Parameter keys: No two are equal.
    init(keys: [JinjaValue], values: [JinjaValue]) throws(JinjaError) {
        self.keys = keys
        self.values = values
        depth = try max(JinjaLimits.depth(above: values), JinjaLimits.depth(above: keys))
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
        try self.init(keys: keys, values: values)
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
        try self.init(keys: keys, values: values)
    }

    subscript(_ text: String) -> JinjaValue? {
        guard count > Self.few else {
            for index in keys.indices {
                if case .string(let key) = keys[index], key.isSameText(as: text) { return values[index] }
            }
            return keys.isEmpty || !hasMarkup ? nil : value(of: .string(text))
        }
        return positions[.text(text)].map { values[$0] }
    }

    /// The value of a key; `nil` too for what cannot be one.
    func value(of key: JinjaValue) -> JinjaValue? {
        if case .string(let text) = key, count > Self.few || !hasMarkup { return self[text] }
        return JinjaKey(key).flatMap { positions[$0] }.map { values[$0] }
    }

    var entries: [(key: JinjaValue, value: JinjaValue)] { Array(zip(keys, values)) }

    private lazy var hasMarkup = keys.contains { if case .markup = $0 { true } else { false } }
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
