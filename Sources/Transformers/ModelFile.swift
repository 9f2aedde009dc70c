import Foundation
import JSON

/// JSON files of a model, such as `config.json`, which are written back as they were read.
extension JSONObject {
    /// Reads the JSON object of a file.
    ///
    /// Keys are sorted, and numbers take the form of Swift and Python, so that two files that say the same are equal. `10000.0`
    /// stays apart from `10000`: transformers checks the types of its configuration and refuses one for the other.
    init(modelFile url: URL) throws(ModelError) {
        var data: Data
        do { data = try Data(contentsOf: url) } catch {
            let there = FileManager.default.fileExists(atPath: url.path)
            throw ModelError(url, there ? "it cannot be read" : "there is no such file")
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        if data.starts(with: mark) { data = data.dropFirst(mark.count) }
        let json = data.withUnsafeBytes { try? JSON(parsing: $0) }
        guard case .object(let object)? = json?.normalized else {
            throw ModelError(url, "this is not a JSON object")
        }
        self = object
    }

    /// Writes the object to a file: sorted keys, two spaces, as transformers does.
    func write(toModelFile url: URL) throws {
        let text = JSON.object(self).normalized?.indented(.codes) ?? "{}"
        try Data((text + "\n").utf8).write(to: url)
    }
}

extension JSON {
    /// With sorted keys, and numbers in the fewest digits; `nil` where one is past a `Double`.
    fileprivate var normalized: JSON? {
        switch self {
        case .null, .bool, .string: return self
        case .number: return integer.map { .number($0) } ?? double.flatMap { JSON($0) }
        case .array(let items):
            let normalized = items.compactMap(\.normalized)
            return normalized.count == items.count ? .array(normalized) : nil
        case .object(let object):
            let normalized = object.sorted.entries.compactMap { entry in
                entry.value.normalized.map { (entry.key, $0) }
            }
            guard normalized.count == object.entries.count else { return nil }
            return .object(JSONObject(uniqueKeysWithValues: normalized))
        }
    }
}
