import JSON

/// A row of a table of text, as its values.
enum TableRow {
    case values([Value])
    case tooLong
    case bad(String)

    struct Value {
        var text: String
        /// An empty value without quotes is none; with quotes it is a text of no characters.
        var isQuoted: Bool
    }

    /// Takes the values of a row apart, which `separator` stands between.
    init(_ row: Row, separator: UInt8) {
        guard case .text(let bytes) = row else {
            self = .tooLong
            return
        }
        guard let text = String(validating: bytes.last == 0x0D ? bytes.dropLast() : bytes[...], as: UTF8.self) else {
            self = .bad("it is not valid UTF-8; convert the file with iconv -t UTF-8")
            return
        }
        var values: [Value] = []
        var rest = text.utf8[...]
        while true {
            guard let value = Self.value(&rest, separator) else {
                self = .bad("a value in quotes does not end with them; a quote within one is written twice")
                return
            }
            values.append(value)
            if rest.isEmpty { break }
            rest = rest.dropFirst()
        }
        self = .values(values)
    }

    /// Whether it is an empty line.
    var isBlank: Bool {
        if case .values(let values) = self {
            values.count == 1 && !values[0].isQuoted && values[0].text.trimmed.isEmpty
        } else {
            false
        }
    }

    /// Bytes of text.
    var size: Int {
        if case .values(let values) = self { values.reduce(0) { $0 + $1.text.utf8.count } } else { 0 }
    }

    /// Takes the value at the front off, up to the separator behind it; `nil` where its quotes do not end there.
    private static func value(_ rest: inout Substring.UTF8View, _ separator: UInt8) -> Value? {
        let quote = UInt8(ascii: "\"")
        guard rest.first == quote else {
            let text = rest.prefix { $0 != separator }
            rest = rest[text.endIndex...]
            return Value(text: String(Substring(text)), isQuoted: false)
        }
        var text = ""
        rest = rest.dropFirst()
        while true {
            let part = rest.prefix { $0 != quote }
            guard part.endIndex < rest.endIndex else { return nil }
            text += Substring(part)
            rest = rest[part.endIndex...].dropFirst()
            guard rest.first == quote else { break }
            text += "\""
            rest = rest.dropFirst()
        }
        guard rest.isEmpty || rest.first == separator else { return nil }
        return Value(text: text, isQuoted: true)
    }
}

/// The columns of a table of text: their names, and what they hold.
struct TableColumns {
    private let names: [String]
    /// What each holds, once that has been looked at.
    private(set) var types: [Kind]?

    /// What the values of a column are. One that is not stays text.
    enum Kind {
        case text, number, boolean

        /// The value that a text is; `nil` where it is none of this kind.
        fileprivate func value(_ text: String) -> JSON? {
            switch self {
            case .text: return .string(text)
            case .number:
                guard case .number(let digits)? = try? JSON(parsing: text) else { return nil }
                return .number(digits)
            case .boolean:
                let word = text.lowercased()
                return ["true", "false"].contains(word) ? .bool(word == "true") : nil
            }
        }
    }

    /// Takes the names of columns; one without a name, such as an index that pandas wrote, is called as pandas calls it.
    ///
    /// - Throws: ``RowSplitterError`` for a name that appears twice.
    init(head: TableRow) throws(RowSplitterError) {
        guard case .values(let values) = head else {
            throw RowSplitterError(
                problem: "its first line names no columns", remedy: "write their names there")
        }
        names = values.enumerated().map { index, value in
            let name = String(value.text.trimmed)
            return name.isEmpty ? "Unnamed: \(index)" : name
        }
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            throw RowSplitterError(problem: "two columns are named '\(name)'", remedy: "rename one")
        }
    }

    /// Decides what columns hold by these rows: numbers, or true and false, where no value of theirs is anything else, as pandas
    /// and so datasets do. What layouts take for text stays text.
    mutating func inferTypes(from rows: [TableRow]) {
        var columns = [[String]](repeating: [], count: names.count)
        for case .values(let values) in rows where values.count == names.count {
            for (index, value) in values.enumerated() where !value.text.isEmpty { columns[index].append(value.text) }
        }
        types = zip(names, columns).map { name, values in
            guard !values.isEmpty, !Self.texts.contains(name) else { return .text }
            return [Kind.number, .boolean].first { kind in values.allSatisfy { kind.value($0) != nil } } ?? .text
        }
    }

    private static let texts: Set<String> = [
        "prompt", "completion", "chosen", "rejected", "text", "question", "answer", "instruction", "input", "output",
        "response",
        "system", "history", "chosen_response", "rejected_response", "response_0", "response_1", "response1",
        "response2",
    ]

    /// The row as an object.
    func row(_ row: TableRow) -> Row {
        let values: [TableRow.Value]
        switch row {
        case .tooLong: return .tooLong
        case .bad(let reason): return .bad(reason)
        case .values(let found): values = found
        }
        guard values.count == names.count else {
            return .bad("\(values.count) values stand under \(names.count) columns")
        }
        let kinds = types ?? names.map { _ in .text }
        return .object(
            JSONObject(
                uniqueKeysWithValues: zip(names, zip(values, kinds)).map { name, value in
                    (name, Self.json(value.0, value.1))
                }))
    }

    private static func json(_ value: TableRow.Value, _ kind: Kind) -> JSON {
        if value.text.isEmpty, !value.isQuoted { return .null }
        return kind.value(value.text) ?? .string(value.text)
    }
}
