import Foundation
import Runs

/// How values spread, a row a policy, over one axis.
struct RidgeChart {
    /// One policy's values.
    struct Row {
        var name: String
        var color: String
        var values: [Double]

        var mean: Double { values.reduce(0, +) / Double(max(1, values.count)) }
    }

    let title: String
    let unit: String
    let rows: [Row]
    private let bins: Histogram

    /// - Parameter isWhole: Whether values are counts, so that bars begin and end between them.
    init(title: String, unit: String, rows: [Row], isWhole: Bool) {
        (self.title, self.unit, self.rows) = (title, unit, rows)
        bins = Histogram(of: rows.flatMap(\.values), isWhole: isWhole)
    }

    var figure: Markup {
        let band = 58.0
        let height = band * Double(rows.count) + 34
        let names = rows.map { LineChart.shortened($0.name) }
        let left = 12 + 6.8 * Double(names.map(\.count).max() ?? 0)
        let x = AxisScale(
            [bins.low, bins.high], from: left, to: PlotFrame.width - 8, ticks: 5, widened: false)
        let counts = rows.map { bins.counts(of: $0.values) }
        // Shares, so that rows of different sizes are alike.
        let most = zip(counts, rows).map { Double($0.max() ?? 0) / Double(max(1, $1.values.count)) }.max() ?? 1
        let lines = x.ticks.map { tick -> Markup in
            """
            <line class="gridline" x1="\(at: x(tick))" x2="\(at: x(tick))" y1="4" y2="\(at: height - 32)"/>\
            <text x="\(at: x(tick))" y="\(at: height - 19)" text-anchor="middle">\(x.text(tick))</text>
            """
        }
        let ridges = zip(rows.indices, zip(rows, counts)).map { index, pair -> Markup in
            let (row, counts) = pair
            let base = band * Double(index + 1)
            let heights = counts.map { (band - 24) * Double($0) / Double(max(1, row.values.count)) / max(most, 1e-12) }
            return ridge(row, names[index], heights, base: base, x)
        }
        let label = rows.map { "\($0.name) mean \(HumanFormat.metric($0.mean)) of \($0.values.count)" }
        return .figure(
            "\(title)",
            PlotFrame.picture(
                height: height, label: "\(title): \(label.joined(separator: "; "))",
                """
                \(lines)\(ridges)<text x="\(at: (left + PlotFrame.width) / 2)" y="\(at: height - 4)" text-anchor="middle">\(unit)</text>
                """))
    }

    private func ridge(_ row: Row, _ name: String, _ heights: [Double], base: Double, _ x: AxisScale) -> Markup {
        var path = "M\(Markup.tenth(x(bins.low))) \(Markup.tenth(base))"
        for (index, height) in heights.enumerated() {
            let (from, to) = (x(bins.edge(index)), x(bins.edge(index + 1)))
            path +=
                "L\(Markup.tenth(from)) \(Markup.tenth(base - height))L\(Markup.tenth(to)) \(Markup.tenth(base - height))"
        }
        path += "L\(Markup.tenth(x(bins.high))) \(Markup.tenth(base))Z"
        let mean = x(row.mean)
        return """
            <g style="--c:\(row.color)"><text class="label" x="0" y="\(at: base - 4)">\(name)<title>\(row.name)</title></text>\
            <path class="area" d="\(path)"><title>\(row.name): mean \(HumanFormat.metric(row.mean)), \(row.values.count) answers\
            </title></path><path class="line" d="M\(at: mean) \(at: base)L\(at: mean) \(at: base - 46)"/>\
            <text class="label" x="\(at: mean + (mean > 300 ? -4 : 4))" y="\(at: base - 38)" \
            text-anchor="\(mean > 300 ? "end" : "start")">\(GapChart.number(row.mean))</text></g>

            """
    }
}

/// Bars of equal width over some values.
package struct Histogram {
    package let low: Double
    package let width: Double
    package let count: Int

    package init(of values: [Double], isWhole: Bool, upTo most: Int = 40) {
        let (least, largest) = (values.min() ?? 0, values.max() ?? 1)
        if isWhole {
            width = ((largest - least + 1) / Double(most)).rounded(.up)
            low = least - 0.5
            count = max(1, Int(((largest - least + 1) / width).rounded(.up)))
        } else {
            let span = largest > least ? largest - least : 1
            count = largest > least ? min(most, max(8, Int(Double(values.count).squareRoot()))) : 1
            width = span / Double(count)
            low = largest > least ? least : least - 0.5
        }
    }

    var high: Double { edge(count) }

    package func edge(_ index: Int) -> Double { low + width * Double(index) }

    package func counts(of values: [Double]) -> [Int] {
        values.reduce(into: Array(repeating: 0, count: count)) { counts, value in
            counts[min(count - 1, max(0, Int((value - low) / width)))] += 1
        }
    }
}
