/// A JSON value that keeps what a file said: the order of keys and the digits of numbers.
///
/// The split writes records back with scores added, so what was read must come out as it went in.
public enum JSON: Sendable, Equatable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as the digits that stood in the file.
    case number(String)
    /// A string, unescaped.
    case string(String)
    /// A list.
    case array([JSON])
    /// An object, with its keys in order.
    case object(JSONObject)

    /// A number from an integer.
    public static func number(_ value: Int) -> JSON { .number(String(value)) }

    /// A number in the fewest digits that read back to the same `Double`; `nil` where it is not finite.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        self = .number("\(value)")
    }

    /// The number as a `Double`; `nil` for another kind.
    public var double: Double? {
        if case .number(let digits) = self { Double(digits) } else { nil }
    }

    /// The number as an integer; `nil` for another kind, one past the integers, and one written with a fraction or an exponent.
    package var integer: Int? {
        if case .number(let digits) = self { Int(digits) } else { nil }
    }

    /// The text of a string; `nil` for another kind.
    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// Whether both are the same value, strings being equal where their code points are.
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    /// What kind of value this is, for a message to the user.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
