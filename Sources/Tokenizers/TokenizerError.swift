import Foundation

/// Why a tokenizer could not be made from a file. Every description is one line that names the file.
public enum TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The file is missing or cannot be read.
    case unreadable(file: String, reason: String)
    /// The file is not JSON; `offset` counts bytes.
    case malformed(file: String, offset: Int, reason: String)
    /// The value at `key` has the wrong type, is out of range, or contradicts another one.
    case invalid(file: String, key: String, reason: String)
    /// The file asks for a component, or an option of one, that this project does not implement.
    case unsupported(file: String, component: String)
    /// No token of the tokenizer has this text.
    case unknownToken(file: String, text: String)

    /// One line: what is wrong, and a way out.
    public var description: String { text.split(whereSeparator: \.isNewline).joined(separator: " ") }

    /// With whatever the file says, line breaks too.
    private var text: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file): cannot be read: \(reason)"
        case .malformed(let file, let offset, let reason):
            "\(file): not valid JSON at byte \(offset): \(reason)"
        case .invalid(let file, let key, let reason):
            "\(file): \(key): \(reason)"
        case .unsupported(let file, let component):
            "\(file): \(component) is not supported (byte-level and SentencePiece-style BPE are)"
        case .unknownToken(let file, let text):
            "\(file): \(text.debugDescription) is not a token; add it to added_tokens"
        }
    }
}
