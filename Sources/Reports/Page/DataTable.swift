/// A table of a page, which scrolls by itself where the page is narrower.
package struct DataTable {
    /// A column's heading, and what is in it.
    package struct Column {
        enum Kind: String {
            case text = ""
            case number = " class=\"n\""
            /// Several words, for which there has to be room.
            case prose = " class=\"prose\""
        }

        var title: String
        var kind: Kind

        static func text(_ title: String) -> Column { Column(title: title, kind: .text) }
        static func number(_ title: String) -> Column { Column(title: title, kind: .number) }
        static func prose(_ title: String) -> Column { Column(title: title, kind: .prose) }
    }

    private let columns: [Column]
    private let hasHead: Bool
    private var rows: [[Markup]] = []

    /// - Parameter hasHead: Whether headings are shown.
    package init(_ columns: [Column], hasHead: Bool = true) { (self.columns, self.hasHead) = (columns, hasHead) }

    package mutating func add(_ cells: [Markup]) { rows.append(cells) }

    /// Whether it has no rows.
    package var isEmpty: Bool { rows.isEmpty }

    package var markup: Markup {
        let head = columns.map { column -> Markup in "<th scope=\"col\"\(Self.kind(column))>\(column.title)</th>" }
        let body = rows.map { row -> Markup in "<tr>\(zip(columns, row).map(Self.cell))</tr>\n" }
        return """
            <div class="scroll"><table>\(hasHead ? "<thead><tr>\(head)</tr></thead>" : "" as Markup)
            <tbody>\(body)</tbody></table></div>
            """
    }

    private static func cell(_ column: Column, _ content: Markup) -> Markup { "<td\(kind(column))>\(content)</td>" }

    private static func kind(_ column: Column) -> Markup { Markup(stringLiteral: column.kind.rawValue) }
}

extension Markup {
    /// A name with a spot of its colour before it.
    static func key(_ name: String, _ color: String) -> Markup {
        "<span class=\"key\" style=\"--c:\(color)\">\(name)</span>"
    }

    /// What is shown once its summary is touched.
    static func folded(_ summary: String, _ content: Markup) -> Markup {
        "<details><summary>\(summary)</summary>\n\(content)\n</details>\n"
    }

    /// Figures beside each other as far as they fit.
    static func grid(_ figures: [Markup], kind: String = "grid") -> Markup {
        "<div class=\"\(kind)\">\n\(figures)</div>\n"
    }
}
