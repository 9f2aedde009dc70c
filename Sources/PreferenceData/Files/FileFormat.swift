/// How a file holds its rows, known by its first bytes.
package enum FileFormat: Sendable, Equatable {
    /// A JSON object a line.
    case lines
    /// One JSON array of objects.
    case array
    /// A JSON object of one key, which holds such an array.
    case arrayUnderKey
    /// JSON objects behind each other, each over several lines.
    case objects
    /// Values between separators, under a line of column names: CSV, TSV and the like.
    case table(separator: UInt8)
    /// A file that Arrow's libraries read.
    case arrow(ArrowFormat)
    /// One that is not read.
    case foreign(ForeignFormat)

    /// The formats that Arrow's libraries read.
    package enum ArrowFormat: String, Sendable {
        case parquet = "Parquet"
        /// Feather is the same from its second version on.
        case file = "an Arrow file"
        case stream = "an Arrow stream"
    }

    /// The format of a file that begins with these bytes: some thousands, or all.
    ///
    /// - Parameters:
    ///   - columns: Words that, alone on the first line, head a table of one column.
    ///   - isTable: Whether any other does.
    ///   - isLines: Whether the file's name says that it has a row a line.
    package init(
        startingWith bytes: UnsafeRawBufferPointer, columns: Set<String> = [], isTable: Bool = false,
        isLines: Bool = false
    ) {
        if let (_, format) = Self.arrowMarks.first(where: { bytes.starts(with: $0.0) }) {
            self = .arrow(format)
        } else if let format = ForeignFormat(startingWith: bytes) {
            self = .foreign(format)
        } else {
            self.init(text: bytes, isLines: isLines) { isTable || columns.contains($0) }
        }
    }

    private static let arrowMarks: [([UInt8], ArrowFormat)] = [
        (Array("PAR1".utf8), .parquet), (Array("ARROW1".utf8), .file), ([0xFF, 0xFF, 0xFF, 0xFF], .stream),
    ]

    private init(text: UnsafeRawBufferPointer, isLines: Bool, headsTable: (String) -> Bool) {
        var text = text[...]
        if text.starts(with: byteOrderMark) { text = text.dropFirst(byteOrderMark.count) }
        text = text.drop(while: isSpace)
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        self =
            switch text.first {
            case UInt8(ascii: "["): .array
            case UInt8(ascii: "{") where Self.holdsArrayAlone(text) ?? !isLines: .arrayUnderKey
            case UInt8(ascii: "{"):
                line.dropFirst().allSatisfy(isSpace) && line.endIndex < text.endIndex ? .objects : .lines
            default:
                Self.separator(ofHead: UnsafeRawBufferPointer(rebasing: line), headsTable).map {
                    .table(separator: $0)
                } ?? .lines
            }
    }

    /// Whether an object is of one key that is usual for an array of rows, and such an array; `nil` where that cannot be seen here.
    private static func holdsArrayAlone(_ text: Slice<UnsafeRawBufferPointer>) -> Bool? {
        var rest = text.dropFirst().drop(while: isSpace)
        guard let key = arrayKeys.first(where: { rest.starts(with: "\"\($0)\"".utf8) }) else { return false }
        rest = rest.dropFirst(key.utf8.count + 2)
        for sign in ":[" {
            rest = rest.drop(while: isSpace)
            guard rest.popFirst() == sign.asciiValue else { return false }
        }
        guard [UInt8(ascii: "{"), UInt8(ascii: "]")].contains(rest.drop(while: isSpace).first) else { return false }
        // Objects on lines of their own are rows, of which such a key is a column.
        let lines = text.split(separator: UInt8(ascii: "\n"), maxSplits: 1)
        guard
            lines.count < 2 || lines[0].last(where: { !isSpace($0) }) != UInt8(ascii: "}")
                || lines[1].first(where: { !isSpace($0) }) != UInt8(ascii: "{")
        else { return false }
        // Before other keys it is such a column too, or they are beside the rows.
        guard let end = endOfArray(rest) else { return nil }
        return rest[end...].first { !isSpace($0) } == UInt8(ascii: ",") ? nil : true
    }

    /// Where the array ends whose opening bracket stands in front of `text`; `nil` where that is not here.
    private static func endOfArray(_ text: Slice<UnsafeRawBufferPointer>) -> Int? {
        var (depth, isInString, isEscaped) = (1, false, false)
        for index in text.indices {
            switch text[index] {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isInString: isEscaped = true
            case UInt8(ascii: "\""): isInString.toggle()
            case _ where isInString: break
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            if depth == 0 { return index + 1 }
        }
        return nil
    }

    private static let arrayKeys = ["data", "rows", "records", "examples", "instances"]

    /// What separates the column names that a line consists of; `nil` for any other line.
    private static func separator(
        ofHead line: UnsafeRawBufferPointer, _ headsTable: (String) -> Bool
    ) -> UInt8? {
        guard !line.isEmpty, line.count <= 4096 else { return nil }
        let text = String(String(decoding: line, as: UTF8.self).trimmed)
        for separator in "\t,;|" {
            let names = text.split(separator: separator, omittingEmptySubsequences: false)
            if names.count > 1, names.allSatisfy(isColumn) { return separator.asciiValue }
        }
        guard isColumn(text[...]) else { return nil }
        let name = text.trimmingPrefix("\"").prefix { $0 != "\"" }
        return ["prompt", "text"].contains(name) || headsTable(String(name)) ? UInt8(ascii: ",") : nil
    }

    /// Whether it is a word or two, in quotes or not.
    private static func isColumn(_ text: Substring) -> Bool {
        let name = text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? text.dropFirst().dropLast() : text
        return name.utf8.count <= 64 && name.allSatisfy { $0.isLetter || $0.isNumber || " _-.".contains($0) }
            && (name.isEmpty || name.contains { $0.isLetter })
    }
}

/// In front of UTF-8, where some editors write it.
let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

/// Whether a byte is white space in JSON.
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
