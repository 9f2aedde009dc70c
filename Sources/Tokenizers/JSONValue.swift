/// A parsed JSON document.
///
/// Objects keep their order and every key: `Dictionary<String, …>` compares keys by canonical equivalence, which would
/// merge vocabulary entries that differ only in Unicode composition.
enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([(key: String, value: JSONValue)])

    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
