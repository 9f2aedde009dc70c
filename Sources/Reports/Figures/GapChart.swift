import Foundation
import PreferenceData
import Runs
import Stages

/// How pairs spread over the gap of their rewards, and how often the reward agrees with the label there.
struct GapChart {
    let summary: SplitSummary
    /// The colours of difficult and of easy pairs.
    let difficult: String
    let easy: String
    /// Whether the pairs were divided at the threshold.
    let isSplit: Bool

    /// Bars by gap, with the threshold.
    var histogram: Markup {
        let bars = summary.histogram
        let frame = PlotFrame(
            x: bars.flatMap { [$0.from, $0.to ?? $0.from] }, y: [0] + bars.map { Double($0.count) }, xTicks: 6,
            xLabel: "reward gap")
        let shapes = bars.map { bar -> Markup in
            let end = bar.to ?? bar.from
            let share = bar.accuracy.map { ", reward right in \(Self.percent($0))" } ?? ""
            let text =
                "gap \(Self.number(bar.from)) to \(Self.number(end)): \(HumanFormat.counted(bar.count, "pair"))\(share)"
            // The bar in which the threshold lies has both colours.
            let cut = isSplit ? min(max(summary.threshold, bar.from), end) : bar.from
            return Markup.joined(
                [(bar.from, cut, difficult), (cut, end, easy)].filter { $0.1 > $0.0 }.map { from, to, color in
                    let (x, next, y) = (frame.x(from), frame.x(to), frame.y(Double(bar.count)))
                    return """
                        <rect class="bar" style="--c:\(color)" x="\(at: x)" y="\(at: y)" \
                        width="\(at: max(0.5, next - x - (to == end ? 1 : 0)))" height="\(at: frame.bottom - y)">\
                        <title>\(text)</title></rect>
                        """
                })
        }
        let label =
            "Histogram of reward gaps of \(HumanFormat.counted(summary.count, "pair")), mean \(Self.number(summary.meanGap))"
            + (isSplit
                ? "; \(summary.difficult) below \(Self.number(summary.threshold)), \(summary.easy) from there on" : "")
        let caption: Markup = "Pairs by reward gap\(isSplit ? keys : "")"
        return .figure(caption, frame.drawn("\(shapes)\(isSplit ? threshold(in: frame) : "")", label: label))
    }

    /// How often the reward agrees with the label, in parts of about equal size, with Wilson's intervals.
    var accuracy: Markup {
        let parts = summary.quantiles.filter { $0.accuracy != nil }
        let intervals = parts.map { WilsonInterval(rate: $0.accuracy ?? 0, count: $0.count) }
        let frame = PlotFrame(
            x: summary.histogram.flatMap { [$0.from, $0.to ?? $0.from] }
                + parts.flatMap { [$0.from, $0.to ?? $0.from] },
            y: [0.5, 1] + intervals.map(\.low), xTicks: 6, xLabel: "reward gap")
        let shapes = zip(parts, intervals).map { part, interval -> Markup in
            let (from, to) = (part.from, part.to ?? part.from)
            let rate = part.accuracy ?? 0
            let (x, y) = (frame.x((from + to) / 2), frame.y(rate))
            let isEasy = !isSplit || (from + to) / 2 >= summary.threshold
            return """
                <g style="--c:\(isEasy ? easy : difficult)"><path class="line" d="M\(at: frame.x(from)) \(at: y)L\(at: frame.x(to)) \
                \(at: y)M\(at: x) \(at: frame.y(interval.low))L\(at: x) \(at: frame.y(interval.high))"/>\
                <circle class="dot" cx="\(at: x)" cy="\(at: y)" r="3"><title>gap \(Self.number(from)) to \(Self.number(to)): \
                \(Self.percent(rate)) of \(HumanFormat.counted(part.count, "pair")) right, 95 % interval \(Self.percent(interval.low)) \
                to \(Self.percent(interval.high))</title></circle></g>
                """
        }
        let chance: Markup = """
            <line class="mark" x1="\(at: frame.x.start)" x2="\(at: frame.right)" y1="\(at: frame.y(0.5))" y2="\(at: frame.y(0.5))"/>
            """
        let text = parts.map { "\(Self.percent($0.accuracy ?? 0)) up to gap \(Self.number($0.to ?? $0.from))" }
        return .figure(
            "Reward accuracy by reward gap <small>tenths of the pairs, 95 % intervals</small>",
            frame.drawn(
                "\(chance)\(shapes)\(isSplit ? threshold(in: frame) : "")",
                label: "Reward accuracy by gap: \(text.joined(separator: ", "))"))
    }

    private var keys: Markup {
        " <small>\(Markup.key("difficult", difficult)) \(summary.difficult) · \(Markup.key("easy", easy)) \(summary.easy)</small>"
    }

    private func threshold(in frame: PlotFrame) -> Markup {
        guard frame.x.domain.contains(summary.threshold) else { return "" }
        let x = frame.x(summary.threshold)
        let isLate = x > frame.right - 80
        return """
            <line class="mark" x1="\(at: x)" x2="\(at: x)" y1="6" y2="\(at: frame.bottom)"/>\
            <text class="plain" x="\(at: x + (isLate ? -4 : 4))" y="12" text-anchor="\(isLate ? "end" : "start")">γ \
            \(Self.number(summary.threshold))</text>
            """
    }

    static func number(_ value: Double) -> String { String(format: "%.3g", value) }
    static func percent(_ rate: Double) -> String { String(format: "%.1f %%", 100 * rate) }
}
