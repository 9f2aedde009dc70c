import Foundation
import Tokenizers

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
    var kind: String {
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

/// A JSON object whose keys keep their order; two keys are the same where their code points are.
public struct JSONObject: Sendable, Equatable {
    /// One key and its value.
    public struct Entry: Sendable, Equatable {
        /// The key.
        public var key: String
        /// The value.
        public var value: JSON

        /// Whether key and value are the same.
        public static func == (left: Self, right: Self) -> Bool {
            left.key.hasSameBytes(as: right.key) && left.value == right.value
        }
    }

    /// The entries in order; no key appears twice.
    public private(set) var entries: [Entry] = []

    /// An object without keys.
    public init() {}

    /// The keys in order.
    public var keys: [String] { entries.map(\.key) }

    /// The value of `key`. A new key goes to the end, a known one keeps its place, `nil` removes it.
    public subscript(key: String) -> JSON? {
        get { entries.first { $0.key.hasSameBytes(as: key) }?.value }
        set {
            let place = entries.firstIndex { $0.key.hasSameBytes(as: key) }
            switch (place, newValue) {
            case (let place?, let value?): entries[place].value = value
            case (let place?, nil): entries.remove(at: place)
            case (nil, let value?): entries.append(Entry(key: key, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONObject {
    /// Takes in keys as a file gives them, in time that grows with their number alone.
    struct Builder {
        private(set) var finished = JSONObject()
        /// Places by key, once there are so many that looking through all takes longer.
        private var places: [[UInt8]: Int] = [:]
        private static let few = 16

        /// Sets a key; the last value of one that comes twice counts.
        mutating func set(_ key: String, _ value: JSON) {
            let count = finished.entries.count
            guard count >= Self.few else {
                finished[key] = value
                return
            }
            if places.isEmpty {
                for (place, entry) in finished.entries.enumerated() { places[Array(entry.key.utf8)] = place }
            }
            if let place = places[Array(key.utf8)] {
                finished.entries[place].value = value
            } else {
                places[Array(key.utf8)] = count
                finished.entries.append(Entry(key: key, value: value))
            }
        }
    }
}
