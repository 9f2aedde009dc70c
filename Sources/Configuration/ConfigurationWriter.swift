import Foundation
import JSON

/// Writes values as YAML that reads back to the same values.
package enum ConfigurationWriter {
    /// A block of keys, one a line; nested blocks are indented, and set off by an empty line at the top level.
    package static func block(_ entries: [ConfigurationNode.Entry], indentation: Int = 0) -> String {
        let margin = String(repeating: " ", count: indentation)
        return entries.map { entry in
            guard case .mapping(let inner) = entry.value.content, !inner.isEmpty else {
                return "\(margin)\(text(entry.key)): \(inline(entry.value))\n"
            }
            let gap = indentation == 0 ? "\n" : ""
            return "\(gap)\(margin)\(text(entry.key)):\n" + block(inner, indentation: indentation + 2)
        }.joined()
    }

    /// A value on one line.
    package static func inline(_ node: ConfigurationNode) -> String {
        switch node.content {
        case .null: "null"
        case .scalar(let scalar, let isText): isText ? text(scalar) : scalar
        case .sequence(let nodes): "[" + nodes.map(inline).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { "\(text($0.key)): \(inline($0.value))" }.joined(separator: ", ") + "}"
        }
    }

    /// A string, in quotes unless every YAML reader takes it for text as it stands.
    private static func text(_ string: String) -> String {
        let isWord =
            string.utf8.allSatisfy { byte in
                (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                    || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || "_./-".utf8.contains(byte)
            }
            && (string.first.map { $0.isLetter || $0 == "/" || $0 == "_" } ?? false || string.hasPrefix("./")
                || string.hasPrefix("../"))
        let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan", "infinity"]
        return isWord && !reserved.contains(string.lowercased()) ? string : JSON.quoted(string, .invisible)
    }
}
