import Foundation
import Runs

/// Estimates with their intervals, a row each, over one axis.
struct IntervalChart {
    /// One estimate.
    struct Row {
        var name: String
        var color: String
        var mean: Double
        var low: Double
        var high: Double
        /// What it is the mean of, such as a value a seed.
        var values: [Double] = []
    }

    let title: Markup
    let label: String
    let unit: String
    let rows: [Row]
    /// A value to compare with, such as a win rate of one half.
    var reference: Double?
    /// How a value is written.
    let text: (Double) -> String

    var figure: Markup {
        let band = 30.0
        let height = band * Double(rows.count) + 36
        let left = 12 + 6.8 * Double(rows.map { LineChart.shortened($0.name).count }.max() ?? 0)
        let x = AxisScale(
            rows.flatMap { [$0.low, $0.high] + $0.values } + (reference.map { [$0] } ?? []), from: left,
            to: PlotFrame.width - 10, ticks: 5)
        let bottom = height - 32
        let lines = x.ticks.map { tick -> Markup in
            """
            <line class="gridline" x1="\(at: x(tick))" x2="\(at: x(tick))" y1="4" y2="\(at: bottom)"/>\
            <text x="\(at: x(tick))" y="\(at: bottom + 14)" text-anchor="middle">\(x.text(tick))</text>
            """
        }
        let mark = reference.map { value -> Markup in
            "<line class=\"mark\" x1=\"\(at: x(value))\" x2=\"\(at: x(value))\" y1=\"4\" y2=\"\(at: bottom)\"/>"
        }
        let marks = rows.enumerated().map { index, row -> Markup in
            let y = band * (Double(index) + 0.5) + 2
            let dots = row.values.map { value -> Markup in
                """
                <circle class="dot faint" cx="\(at: x(value))" cy="\(at: y + 8)" r="2.2"><title>\(text(value))</title></circle>
                """
            }
            return """
                <g style="--c:\(row.color)"><text class="label" x="0" y="\(at: y + 4)">\(LineChart.shortened(row.name))\
                <title>\(row.name)</title></text><path class="line" d="M\(at: x(row.low)) \(at: y)L\(at: x(row.high)) \(at: y)"/>\
                <circle class="dot" cx="\(at: x(row.mean))" cy="\(at: y)" r="4"><title>\(row.name): \(text(row.mean)), 95 % interval \
                \(text(row.low)) to \(text(row.high))</title></circle>\(dots)</g>

                """
        }
        let words = rows.map { "\($0.name) \(text($0.mean)), \(text($0.low)) to \(text($0.high))" }
        return .figure(
            title,
            PlotFrame.picture(
                height: height, label: "\(label): \(words.joined(separator: "; "))",
                """
                \(lines)\(mark)\(marks)<text x="\(at: (left + PlotFrame.width) / 2)" y="\(at: height - 3)" text-anchor="middle">\
                \(unit)</text>
                """))
    }
}
