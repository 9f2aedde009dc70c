import Runs

/// Parts of a whole, a bar each row, as long as the whole is.
struct StackedBars {
    struct Part {
        var name: String
        var color: String
        var value: Double
    }

    struct Row {
        var name: String
        var parts: [Part]
        /// What stands at the end of the bar.
        var note: String

        var total: Double { parts.reduce(0) { $0 + $1.value } }
    }

    let title: String
    let rows: [Row]

    var figure: Markup {
        let band = 26.0
        let height = band * Double(rows.count) + 24
        let width = PlotFrame.width
        let left = 12 + 6.8 * Double(rows.map { LineChart.shortened($0.name).count }.max() ?? 0)
        let x = AxisScale(rows.map(\.total) + [0], from: left, to: width - 52, ticks: 4, widened: false)
        let lines = x.ticks.map { tick -> Markup in
            """
            <line class="gridline" x1="\(at: x(tick))" x2="\(at: x(tick))" y1="2" y2="\(at: height - 20)"/>\
            <text x="\(at: x(tick))" y="\(at: height - 6)" text-anchor="middle">\(tick == 0 ? "0" : HumanFormat.duration(seconds: tick))</text>
            """
        }
        let bars = rows.enumerated().map { index, row -> Markup in
            let y = band * Double(index) + 4
            var start = 0.0
            let parts = row.parts.map { part -> Markup in
                defer { start += part.value }
                let (from, to) = (x(start), x(start + part.value))
                guard to - from > 0.2 else { return "" }
                return """
                    <rect class="bar" style="--c:\(part.color)" x="\(at: from)" y="\(at: y)" width="\(at: to - from)" height="16">\
                    <title>\(row.name), \(part.name): \(HumanFormat.duration(seconds: part.value))</title></rect>
                    """
            }
            return """
                <text class="plain" x="0" y="\(at: y + 12)">\(LineChart.shortened(row.name))<title>\(row.name)</title></text>\
                \(parts)<text class="plain" x="\(at: x(row.total) + 5)" y="\(at: y + 12)">\(row.note)</text>

                """
        }
        let words = rows.map { row in
            "\(row.name) \(row.parts.map { "\($0.name) \(HumanFormat.duration(seconds: $0.value))" }.joined(separator: ", "))"
        }
        return .figure(
            "\(title)",
            PlotFrame.picture(
                height: height, width: width, label: "\(title): \(words.joined(separator: "; "))", "\(lines)\(bars)"))
    }
}
