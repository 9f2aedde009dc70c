import JSON

extension JSON {
    /// Whether there is nothing in it: null, false, or text or a list that is empty (also as JSON in a text).
    package var isBlank: Bool {
        switch self {
        case .null, .bool(false): true
        case .bool, .number: false
        case .string(let text):
            text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
                || (text.utf8.count <= 16
                    && ["[]", "{}", "null"].contains(
                        String(
                            String.UnicodeScalarView(
                                text.unicodeScalars.filter { !$0.properties.isWhitespace }))))
        case .array(let items): items.isEmpty
        case .object(let object): object.entries.isEmpty
        }
    }
}
