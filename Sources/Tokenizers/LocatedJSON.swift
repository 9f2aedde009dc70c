import Foundation
import JSON

/// A value with its file and key path, so that reading it yields an error that says where.
struct LocatedJSON {
    let value: JSON
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
        do {
            // A vocabulary with a token twice is refused where it is read.
            let value = try data.withUnsafeBytes { try JSON(parsing: $0, repeatedKeys: .kept) }
            self.init(value: value, file: url.path, path: "")
        } catch let error as JSONError {
            throw TokenizerError.malformed(file: url.path, offset: error.offset, reason: error.reason)
        }
    }

    private init(value: JSON, file: String, path: String) {
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
        invalid("expected \(expected), found \(value.kind)")
    }

    private func child(_ key: String, _ value: JSON) -> LocatedJSON {
        LocatedJSON(value: value, file: file, path: path.isEmpty ? key : "\(path).\(key)")
    }

    var isNull: Bool {
        if case .null = value { true } else { false }
    }

    /// The member `key`; `nil` where it is absent or null.
    subscript(key: String) -> LocatedJSON? {
        guard case .object(let object) = value, let member = object[key] else { return nil }
        let node = child(key, member)
        return node.isNull ? nil : node
    }

    /// Whether there is a member `key`, null or not.
    func contains(_ key: String) -> Bool {
        if case .object(let object) = value { object[key] != nil } else { false }
    }

    func required(_ key: String) throws -> LocatedJSON {
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
        guard let number = value.integer else { throw mismatch("a whole number") }
        guard range.contains(number) else { throw invalid("\(number) is outside \(range)") }
        return number
    }

    func array() throws -> [LocatedJSON] {
        guard case .array(let elements) = value else { throw mismatch("a list") }
        return elements.enumerated().map { LocatedJSON(value: $1, file: file, path: "\(path)[\($0)]") }
    }

    func members() throws -> [(key: String, value: LocatedJSON)] {
        guard case .object(let object) = value else { throw mismatch("an object") }
        return object.entries.map { ($0.key, child($0.key, $0.value)) }
    }

    /// The member `key`, or `fallback` where it is absent or null.
    func bool(_ key: String, default fallback: Bool) throws -> Bool { try self[key]?.bool() ?? fallback }
}
