import Foundation

/// A value with its place (file and key path), so that reading it yields an error that says where.
struct JSONNode {
    let value: JSONValue
    let file: String
    let path: String

    init(contentsOf url: URL) throws {
        let data: Data
        do {
            data = try Data(contentsOf: url)
        } catch {
            let exists = FileManager.default.fileExists(atPath: url.path)
            throw TokenizerError.unreadable(
                file: url.path, reason: exists ? error.localizedDescription : "there is no such file")
        }
        // Tables of a tokenizer hold 32-bit offsets.
        guard data.count <= 1 << 30 else {
            throw TokenizerError.unreadable(file: url.path, reason: "\(data.count) bytes are too many for a tokenizer")
        }
        self.init(value: try JSONParser.parse(data, file: url.path), file: url.path, path: "")
    }

    private init(value: JSONValue, file: String, path: String) {
        self.value = value
        self.file = file
        self.path = path
    }

    func invalid(_ reason: String) -> TokenizerError {
        .invalid(file: file, key: path.isEmpty ? "the document" : path, reason: reason)
    }

    func unsupported(_ component: String) -> TokenizerError {
        .unsupported(file: file, component: path.isEmpty ? component : "\(path): \(component)")
    }

    private func mismatch(_ expected: String) -> TokenizerError {
        invalid("expected \(expected), found \(value.typeName)")
    }

    private func child(_ key: String, _ value: JSONValue) -> JSONNode {
        JSONNode(value: value, file: file, path: path.isEmpty ? key : "\(path).\(key)")
    }

    var isNull: Bool {
        if case .null = value { true } else { false }
    }

    /// The member `key`; `nil` where it is absent or null.
    subscript(key: String) -> JSONNode? {
        guard case .object(let members) = value, let member = members.last(where: { $0.key == key }) else { return nil }
        let node = child(key, member.value)
        return node.isNull ? nil : node
    }

    /// Whether there is a member `key`, null or not.
    func contains(_ key: String) -> Bool {
        guard case .object(let members) = value else { return false }
        return members.contains { $0.key == key }
    }

    func required(_ key: String) throws -> JSONNode {
        guard case .object = value else { throw mismatch("an object") }
        guard let node = self[key] else { throw invalid("\"\(key)\" is missing") }
        return node
    }

    func string() throws -> String {
        guard case .string(let text) = value else { throw mismatch("a string") }
        return text
    }

    func bool() throws -> Bool {
        guard case .bool(let flag) = value else { throw mismatch("a boolean") }
        return flag
    }

    func integer(in range: ClosedRange<Int>) throws -> Int {
        guard case .integer(let number) = value else { throw mismatch("a whole number") }
        guard range.contains(number) else { throw invalid("\(number) is outside \(range)") }
        return number
    }

    func array() throws -> [JSONNode] {
        guard case .array(let elements) = value else { throw mismatch("a list") }
        return elements.enumerated().map { JSONNode(value: $1, file: file, path: "\(path)[\($0)]") }
    }

    func members() throws -> [(key: String, value: JSONNode)] {
        guard case .object(let members) = value else { throw mismatch("an object") }
        return members.map { ($0.key, child($0.key, $0.value)) }
    }

    /// The member `key`, or `fallback` where it is absent or null.
    func bool(_ key: String, default fallback: Bool) throws -> Bool { try self[key]?.bool() ?? fallback }
}
