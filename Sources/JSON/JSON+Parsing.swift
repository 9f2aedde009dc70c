/// Why a text is not JSON, and where.
package struct JSONError: Error {
    package let reason: String
    /// Bytes from the start of the text.
    package let offset: Int
    /// What stands where a number should, `NaN` or an infinity as Python's `json` writes them, where that is to blame.
    package let notANumber: String?
    /// The key that an object has twice, where the text is JSON but for that.
    package let repeatedKey: String?

    init(_ reason: String, at offset: Int, notANumber: String? = nil, repeatedKey: String? = nil) {
        (self.reason, self.offset, self.notANumber, self.repeatedKey) = (reason, offset, notANumber, repeatedKey)
    }
}

extension JSON {
    /// What becomes of a key that an object has twice.
    package enum RepeatedKeys: Sendable {
        /// The last value counts, at the position of the first.
        case lastCounts
        /// All stay among the entries, for a reader that looks for them.
        case kept
        /// It is an error.
        case refused
    }

    /// Reads one value that fills `text` (RFC 8259; strings must be valid UTF-8, nesting ends at 256 levels).
    package init(
        parsing text: UnsafeRawBufferPointer, repeatedKeys: RepeatedKeys = .lastCounts
    ) throws(JSONError) {
        var parser = JSONParser(text, repeatedKeys: repeatedKeys)
        self = try parser.document()
    }

    /// Reads one value that fills `text`.
    package init(parsing text: String, repeatedKeys: RepeatedKeys = .lastCounts) throws(JSONError) {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(JSONError) in
                try JSON(parsing: UnsafeRawBufferPointer(bytes), repeatedKeys: repeatedKeys)
            }
        }
        self = try result.get()
    }
}
