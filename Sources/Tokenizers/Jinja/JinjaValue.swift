import JSON

/// A value while a template is rendered, with the kinds that Python has.
enum JinjaValue {
    case undefined(JinjaUndefined)
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    /// A string that counts as escaped, as the filters `safe` and `escape` make them: what joins it is escaped.
    case markup(String)
    case list(JinjaList)
    case tuple(JinjaList)
    case mapping(JinjaMapping)
    case object(JinjaObject)

    /// A value as JSON has it. An integer past 64 bits keeps its digits and can be printed.
    init(_ json: JSON) throws(JinjaError) {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .boolean(value)
        case .number(let digits):
            if let value = Int(digits) {
                self = .integer(value)
            } else if digits.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) {
                self = .float(Double(digits) ?? .nan)
            } else {
                self = .object(JinjaBigInteger(digits))
            }
        case .string(let text): self = .string(text)
        case .array(let values):
            var items: [JinjaValue] = []
            items.reserveCapacity(values.count)
            for value in values { items.append(try JinjaValue(value)) }
            self = .list(try JinjaList(items))
        case .object(let object): self = .mapping(try JinjaMapping(object))
        }
    }

    init(_ constant: JinjaConstant) {
        switch constant {
        case .none: self = .none
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .float(let value): self = .float(value)
        case .string(let value): self = .string(value)
        }
    }

    /// Something undefined, by a sentence of its own.
    static func undefined(_ text: String) -> JinjaValue { .undefined(JinjaUndefined(text)) }

    /// As Python calls the type, for errors.
    var typeName: String {
        switch self {
        case .undefined: "undefined"
        case .none: "none"
        case .boolean: "boolean"
        case .integer: "integer"
        case .float: "float"
        case .string, .markup: "string"
        case .list: "list"
        case .tuple: "tuple"
        case .mapping: "mapping"
        case .object(let object): object.typeName
        }
    }

    /// The text of a string.
    var text: String? {
        switch self {
        case .string(let text), .markup(let text): text
        default: nil
        }
    }

    /// An integer, for which Python takes booleans as well.
    var integer: Int? {
        switch self {
        case .integer(let value): value
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }

    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    var isNone: Bool { if case .none = self { true } else { false } }

    /// Levels of lists and mappings in one another.
    var depth: Int {
        switch self {
        case .list(let list), .tuple(let list): list.depth
        case .mapping(let mapping): mapping.depth
        case .object(let object): object.depth
        default: 0
        }
    }

    /// What a condition makes of it.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .boolean(let value): value
        case .integer(let value): value != 0
        case .float(let value): value != 0
        case .string(let text), .markup(let text): !text.isEmpty
        case .list(let list), .tuple(let list): !list.elements.isEmpty
        case .mapping(let mapping): mapping.count > 0
        case .object(let object): object.isTrue
        }
    }
}

/// The elements of a list or tuple, which no template can change.
final class JinjaList {
    let elements: [JinjaValue]
    let depth: Int
    /// Whether the two elements are called `grouper` and `list`, as the filter `groupby` calls them.
    let isGroup: Bool

    init(_ elements: [JinjaValue], isGroup: Bool = false) throws(JinjaError) {
        self.elements = elements
        self.isGroup = isGroup
        depth = try JinjaLimits.depth(above: elements)
    }

    static func texts(_ texts: [String]) throws(JinjaError) -> JinjaList { try JinjaList(texts.map { .string($0) }) }
}

extension JinjaLimits {
    /// The depth of what holds these values, where that is not too deep.
    static func depth(above values: some Sequence<JinjaValue>) throws(JinjaError) -> Int {
        var depth = 0
        for value in values { depth = max(depth, value.depth) }
        return try self.depth(above: depth)
    }

    static func depth(above depth: Int) throws(JinjaError) -> Int {
        guard depth < valueDepth else {
            throw JinjaError(.limit, "lists and mappings nest deeper than \(valueDepth) levels")
        }
        return depth + 1
    }
}
