import JSON

extension JSON {
    /// An object of these entries, whose keys differ.
    static func object(_ entries: [(String, JSON)]) -> JSON { .object(JSONObject(uniqueKeysWithValues: entries)) }

    /// A number; null for none, and for one that is not finite.
    static func number(_ value: Double?) -> JSON { value.flatMap { JSON($0) } ?? .null }

    /// A whole number; null for none.
    static func count(_ value: Int?) -> JSON { value.map { .number($0) } ?? .null }

    /// A text; null for none.
    static func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
}
