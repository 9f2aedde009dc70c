/// A table of text with aligned columns: numbers to the right, the rest to the left.
package struct TextTable: Sendable {
    private let header: [String]
    private var rows: [[String]] = []

    /// A table with these columns.
    package init(_ header: [String]) {
        self.header = header
    }

    /// Adds a row; missing cells are empty.
    package mutating func add(_ cells: [String]) {
        precondition(cells.count <= header.count, "\(cells.count) cells in a table of \(header.count) columns")
        rows.append(cells + Array(repeating: "", count: header.count - cells.count))
    }

    /// The table with a rule under its header, each line ended by a newline.
    package func render() -> String {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        let toTheRight = header.indices.map { column in
            !rows.isEmpty && rows.allSatisfy { Self.isNumeric($0[column]) } && rows.contains { !$0[column].isEmpty }
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - cells[column].count)
                return toTheRight[column] ? padding + cells[column] : cells[column] + padding
            }
            let text = padded.joined(separator: "  ")
            return text.prefix(text.count - text.reversed().prefix { $0 == " " }.count) + "\n"
        }
        let rule = widths.map { String(repeating: "-", count: $0) }
        return ([header, rule] + rows).map(line).joined()
    }

    /// Whether a cell begins as a number does, such as `-0.5`, `12.3k` and `51.0 % [48.2, 53.9]`; an empty one may.
    private static func isNumeric(_ cell: String) -> Bool {
        let unsigned = cell.drop { "+-−".contains($0) }
        return unsigned.first?.isNumber ?? true
    }
}
