/// The room of a figure with two axes, its grid and its ticks. Figures are about as wide as their place in a page, so that text
/// has one size.
struct PlotFrame {
    static let width = 360.0

    let width: Double
    let height: Double
    let x: AxisScale
    let y: AxisScale
    var xLabel: String?

    /// Where the plot ends at the right and at the bottom.
    var right: Double { x.end }
    var bottom: Double { y.start }

    /// - Parameters:
    ///   - margin: Room for labels at the right.
    init(
        x xs: some Sequence<Double>, y ys: some Sequence<Double>, width: Double = width, height: Double = 190,
        margin: Double = 14, xTicks: Int = 4, yTicks: Int = 4, xLabel: String? = nil
    ) {
        (self.width, self.height) = (width, height)
        self.xLabel = xLabel
        let bottom = height - (xLabel == nil ? 18 : 32)
        let y = AxisScale(ys, from: bottom, to: 8, ticks: yTicks)
        // Digits are about six units wide.
        let left = 8 + 6 * Double(y.ticks.map { y.text($0).count }.max() ?? 1)
        self.y = y
        x = AxisScale(xs, from: left, to: width - margin, ticks: xTicks, widened: false)
    }

    /// Grid and ticks with what is drawn over them.
    func drawn(_ content: Markup, label: String) -> Markup {
        let lines = y.ticks.map { tick -> Markup in
            """
            <line class="gridline" x1="\(at: x.start)" x2="\(at: right)" y1="\(at: y(tick))" y2="\(at: y(tick))"/>\
            <text x="\(at: x.start - 6)" y="\(at: y(tick) + 3.5)" text-anchor="end">\(y.text(tick))</text>
            """
        }
        let marks = x.ticks.map { tick -> Markup in
            "<text x=\"\(at: x(tick))\" y=\"\(at: bottom + 14)\" text-anchor=\"middle\">\(x.text(tick))</text>"
        }
        let name = xLabel.map { label -> Markup in
            "<text x=\"\(at: (x.start + right) / 2)\" y=\"\(at: height - 3)\" text-anchor=\"middle\">\(label)</text>"
        }
        return Self.picture(
            height: height, width: width, label: label,
            """
            <g>\(lines)\(marks)\(name)</g><line class="axis" x1="\(at: x.start)" x2="\(at: right)" y1="\(at: bottom)" \
            y2="\(at: bottom)"/>
            \(content)
            """)
    }

    /// An SVG of the common width, with words for those who do not see it.
    static func picture(height: Double, width: Double = width, label: String, _ content: Markup) -> Markup {
        """
        <svg viewBox="0 0 \(at: width) \(at: height)" role="img" aria-label="\(label)">
        \(content)
        </svg>
        """
    }

    /// The points of a line as a path.
    func path(_ points: [CurvePoint]) -> Markup {
        var text = ""
        text.reserveCapacity(points.count * 11)
        for (index, point) in points.enumerated() {
            text += index == 0 ? "M" : "L"
            text += Markup.tenth(x(point.step))
            text += " "
            text += Markup.tenth(y(point.value))
        }
        return Markup(text: text)
    }
}

extension Markup {
    /// A picture under its caption.
    static func figure(_ caption: Markup, _ picture: Markup) -> Markup {
        "<figure><figcaption>\(caption)</figcaption>\n\(picture)\n</figure>\n"
    }
}
