/// Why a chat template cannot be read or rendered, and where. The description is one line.
public struct JinjaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong.
    public enum Kind: Sendable, Equatable {
        /// The text is no template.
        case syntax
        /// An operation has no result for its operands, as `1 + 'a'` or an attribute of something undefined.
        case evaluation
        /// Something that Jinja has and this interpreter has not.
        case unsupported
        /// The template refused the conversation itself, by `raise_exception`; the message is the template's.
        case raised
        /// One of the ``JinjaLimits`` is reached.
        case limit
    }

    /// What went wrong.
    public let kind: Kind
    /// The reason, without the position.
    public let message: String
    /// Line in the template, from 1.
    public private(set) var line = 0
    /// Column in the line, in Unicode scalars from 1.
    public private(set) var column = 0

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    static func evaluation(_ message: String) -> JinjaError { JinjaError(.evaluation, message) }

    /// One line: where, what, and for what a template says of a conversation that it is the template which says so.
    public var description: String {
        let text = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        let place = "line \(line), column \(column)"
        return switch kind {
        case .raised: "\(place): the template refuses the conversation: \(text)"
        case .limit: "\(place): \(text); a template that needs more than that is not rendered"
        case .unsupported: "\(place): \(text) is not supported"
        case .syntax, .evaluation: "\(place): \(text)"
        }
    }

    /// The same with the position of a byte of the template.
    func located(at offset: Int, in source: [UInt8]) -> JinjaError {
        let before = source.prefix(offset)
        let newline = UInt8(ascii: "\n")
        let start = before.lastIndex(of: newline).map { $0 + 1 } ?? 0
        var error = self
        error.line = 1 + before.count { $0 == newline }
        error.column = 1 + before[start...].count { $0 & 0xC0 != 0x80 }
        return error
    }
}
