import Foundation
import JSON

/// Reads keys of a model's JSON file with their types and bounds checked; errors name file, key and value.
package struct ModelFileReader {
    package let url: URL
    package let values: JSONObject

    /// The value of the first of `keys` that is there and not null.
    private func value(_ keys: [String]) -> (key: String, value: JSON)? {
        for key in keys {
            if let value = values[key], value != .null { return (key, value) }
        }
        return nil
    }

    package func error(_ key: String, _ problem: String) -> ModelError { ModelError(url, "\(key) \(problem)") }

    /// An integer within bounds; without `default` the key must be there.
    package func integer(
        _ keys: String..., in bounds: ClosedRange<Int> = 1...Int(Int32.max), default fallback: Int? = nil
    ) throws(ModelError) -> Int {
        guard let (key, value) = value(keys) else {
            if let fallback { return fallback }
            throw ModelError(url, "\(keys[0]) is missing")
        }
        guard let number = value.integer, bounds.contains(number) else {
            throw error(
                key, "must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound), not \(value.brief)")
        }
        return number
    }

    /// A finite number within bounds; without `default` the key must be there.
    package func number(
        _ keys: String..., in bounds: ClosedRange<Double>, default fallback: Double? = nil
    ) throws(ModelError) -> Double {
        guard let (key, value) = value(keys) else {
            if let fallback { return fallback }
            throw ModelError(url, "\(keys[0]) is missing")
        }
        guard let number = value.double, bounds.contains(number) else {
            throw error(key, "must be a number from \(bounds.lowerBound) to \(bounds.upperBound), not \(value.brief)")
        }
        return number
    }

    package func bool(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
        guard let (key, value) = value([key]) else { return fallback }
        guard case .bool(let flag) = value else { throw error(key, "must be true or false, not \(value.brief)") }
        return flag
    }

    package func string(_ keys: String..., default fallback: String? = nil) throws(ModelError) -> String {
        guard let (key, value) = value(keys) else {
            if let fallback { return fallback }
            throw ModelError(url, "\(keys[0]) is missing")
        }
        guard case .string(let text) = value else { throw error(key, "must be a text, not \(value.brief)") }
        return text
    }

    /// One token id or several, none if the key is absent; ids must lie in the vocabulary.
    func tokens(_ key: String, vocabularySize: Int) throws(ModelError) -> [Int32] {
        guard let (_, value) = value([key]) else { return [] }
        let list = if case .array(let list) = value { list } else { [value] }
        var tokens: [Int32] = []
        for item in list {
            guard let id = item.integer, (0..<vocabularySize).contains(id) else {
                throw error(key, "must hold token ids from 0 to \(vocabularySize - 1), not \(item.brief)")
            }
            tokens.append(Int32(id))
        }
        return tokens
    }

    /// A nested object, `nil` if the key is absent.
    package func object(_ key: String) throws(ModelError) -> ModelFileReader? {
        guard let (key, value) = value([key]) else { return nil }
        guard case .object(let object) = value else { throw error(key, "must be an object, not \(value.brief)") }
        return ModelFileReader(url: url, values: object)
    }
}

extension JSON {
    /// The value in a few words, for a message.
    var brief: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let digits): digits
        case .string(let value): "\"\(value.prefix(40))\""
        case .array: "a list"
        case .object: "an object"
        }
    }
}
