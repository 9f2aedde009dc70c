import Foundation

/// A value of a model's JSON files that is written back as it was read.
///
/// It keeps `10000.0` apart from `10000`: transformers checks the types of its configuration and refuses one for the
/// other.
public enum ConfigurationValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([ConfigurationValue])
    case object([String: ConfigurationValue])

    /// Reads the JSON object of a file.
    static func object(at url: URL) throws(ModelError) -> [String: ConfigurationValue] {
        let data: Data
        do { data = try Data(contentsOf: url) } catch {
            let there = FileManager.default.fileExists(atPath: url.path)
            throw ModelError(url, there ? "it cannot be read" : "there is no such file")
        }
        guard let json = try? JSONSerialization.jsonObject(with: data), case .object(let object)? = Self(json) else {
            throw ModelError(url, "this is not a JSON object")
        }
        return object
    }

    private init?(_ json: Any) {
        switch json {
        case is NSNull: self = .null
        case let text as String: self = .string(text)
        case let list as [Any]:
            let values = list.compactMap(Self.init)
            guard values.count == list.count else { return nil }
            self = .list(values)
        case let object as [String: Any]:
            let values = object.compactMapValues(Self.init)
            guard values.count == object.count else { return nil }
            self = .object(values)
        case let number as NSNumber:
            switch String(cString: number.objCType) {
            case "c", "B": self = .bool(number.boolValue)
            case "d", "f": self = .number(number.doubleValue)
            default: self = .integer(number.intValue)
            }
        default: return nil
        }
    }

    /// Writes a JSON object to a file: sorted keys, two spaces, as transformers does.
    static func write(_ object: [String: ConfigurationValue], to url: URL) throws {
        try Data((ConfigurationValue.object(object).text() + "\n").utf8).write(to: url)
    }

    private func text(indent: String = "") -> String {
        let inner = indent + "  "
        let lines = { (open: String, items: [String], close: String) in
            items.isEmpty
                ? open + close : open + "\n" + items.map { inner + $0 }.joined(separator: ",\n") + "\n" + indent + close
        }
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .number(let value): return value.isFinite ? "\(value)" : "null"
        case .string(let value): return Self.quoted(value)
        case .list(let values): return lines("[", values.map { $0.text(indent: inner) }, "]")
        case .object(let values):
            let items = values.sorted { $0.key < $1.key }.map {
                Self.quoted($0.key) + ": " + $0.value.text(indent: inner)
            }
            return lines("{", items, "}")
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20: result += String(format: "\\u%04x", scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// What is wrong with a model's directory or one of its files, in one line that names it.
public struct ModelError: Error, CustomStringConvertible, Sendable {
    /// The file or directory.
    public let url: URL
    /// What is wrong with it.
    public let reason: String

    init(_ url: URL, _ reason: String) {
        self.url = url
        self.reason = reason
    }

    /// `file: reason`, in one line.
    public var description: String {
        "\(url.path): \(reason)".split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
