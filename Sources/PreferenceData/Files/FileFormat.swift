/// How a file holds its rows, known by its first bytes.
package enum FileFormat: Sendable, Equatable {
    /// A JSON object a line.
    case lines
    /// One JSON array of objects.
    case array
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
    package init(startingWith bytes: UnsafeRawBufferPointer) {
        if let (_, format) = Self.arrowMarks.first(where: { bytes.starts(with: $0.0) }) {
            self = .arrow(format)
        } else if let format = ForeignFormat(startingWith: bytes) {
            self = .foreign(format)
        } else {
            self.init(text: bytes)
        }
    }

    private static let arrowMarks: [([UInt8], ArrowFormat)] = [
        (Array("PAR1".utf8), .parquet), (Array("ARROW1".utf8), .file), ([0xFF, 0xFF, 0xFF, 0xFF], .stream),
    ]

    private init(text: UnsafeRawBufferPointer) {
        var text = text[...]
        if text.starts(with: byteOrderMark) { text = text.dropFirst(byteOrderMark.count) }
        text = text.drop(while: isSpace)
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        self =
            switch text.first {
            case UInt8(ascii: "["): .array
            case UInt8(ascii: "{"):
                line.dropFirst().allSatisfy(isSpace) && line.endIndex < text.endIndex ? .objects : .lines
            default:
                Self.separator(ofHead: UnsafeRawBufferPointer(rebasing: line)).map { .table(separator: $0) } ?? .lines
            }
    }

    /// What separates the column names that a line consists of; `nil` for any other line.
    private static func separator(ofHead line: UnsafeRawBufferPointer) -> UInt8? {
        guard !line.isEmpty, line.count <= 4096 else { return nil }
        let text = String(String(decoding: line, as: UTF8.self).trimmed)
        for separator in "\t,;|" {
            let names = text.split(separator: separator, omittingEmptySubsequences: false)
            if names.count > 1, names.allSatisfy(isColumn) { return separator.asciiValue }
        }
        return loneColumns.contains(text) ? UInt8(ascii: ",") : nil
    }

    /// Whether it is a word or two, in quotes or not.
    private static func isColumn(_ text: Substring) -> Bool {
        let name = text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? text.dropFirst().dropLast() : text
        return name.utf8.count <= 64 && name.allSatisfy { $0.isLetter || $0.isNumber || " _-.".contains($0) }
            && (name.isEmpty || name.contains { $0.isLetter })
    }

    /// Names that head a table of one column; any other word may be a text.
    private static let loneColumns: Set<String> = ["prompt", "\"prompt\"", "text", "\"text\""]
}

/// In front of UTF-8, where some editors write it.
let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

/// Whether a byte is white space in JSON.
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
