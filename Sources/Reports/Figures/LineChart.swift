import Runs

/// Curves over steps, each with its name at its end.
struct LineChart {
    /// One curve.
    struct Line {
        /// What stands at its end; none where a caption says it.
        var label: String?
        var color: String
        var points: [CurvePoint]
        var style = Style.solid
        /// Whether its points are drawn behind a running mean, where there are enough of them.
        var isNoisy = true
        /// Whether it stands behind others, as one of several seeds.
        var isFaint = false
        /// Steps without a finite value.
        var gaps: [Double] = []

        enum Style: String {
            case solid = ""
            case dashed = " dash"
            case dotted = " dots"
        }
    }

    var title: String
    var lines: [Line]
    /// How many points a curve gets, of all there are.
    var points = CurveThinning.points
    /// Whether it stands among many.
    var isSmall = false

    /// The curves with what of them is drawn.
    private struct Drawn {
        var line: Line
        var raw: [CurvePoint]
        var main: [CurvePoint]
    }

    var figure: Markup {
        let drawn = lines.map { line -> Drawn in
            let smooth = line.isNoisy ? CurveThinning.smoothed(line.points, to: points / 2) : nil
            let thinned = CurveThinning.thinned(line.points, to: points)
            return Drawn(line: line, raw: smooth == nil || line.isFaint ? [] : thinned, main: smooth ?? thinned)
        }
        let labels = lines.compactMap { $0.label.map(Self.shortened) }
        let all = drawn.flatMap { $0.raw + $0.main }
        let frame = PlotFrame(
            x: all.map(\.step), y: all.map(\.value), width: isSmall ? 220 : PlotFrame.width,
            height: isSmall ? 110 : 190,
            margin: labels.isEmpty ? 14 : 12 + 6.8 * Double(labels.map(\.count).max() ?? 0),
            xTicks: isSmall ? 2 : 4, yTicks: isSmall ? 2 : 4)
        let curves = drawn.map { curve(of: $0, in: frame) }
        let caption: Markup = "\(title)\(ending)"
        return .figure(caption, frame.drawn("\(curves)\(ends(drawn, in: frame))", label: summary))
    }

    /// What the chart shows, in words.
    var summary: String {
        let parts = lines.filter { !$0.isFaint }.compactMap { line -> String? in
            guard let first = line.points.first, let last = line.points.last else { return nil }
            let name = line.label.map { "\($0) " } ?? ""
            return "\(name)from \(HumanFormat.metric(first.value)) at step \(Int(first.step)) to "
                + "\(HumanFormat.metric(last.value)) at step \(Int(last.step))"
        }
        return "\(title): \(parts.joined(separator: "; "))"
    }

    /// The last value of a curve that stands alone, beside the title.
    private var ending: Markup {
        let main = lines.filter { !$0.isFaint }
        guard main.count == 1, let last = main[0].points.last else { return "" }
        return " <small>\(HumanFormat.metric(last.value))</small>"
    }

    private func curve(of drawn: Drawn, in frame: PlotFrame) -> Markup {
        let line = drawn.line
        var shapes: Markup = ""
        if !drawn.raw.isEmpty { shapes += "<path class=\"raw\" d=\"\(frame.path(drawn.raw))\"/>" }
        if drawn.main.count > 1 {
            shapes += """
                <path class="line\(line.style.rawValue)\(line.isFaint ? " faint" : "")" d="\(frame.path(drawn.main))"/>
                """
        }
        // A few values are values by themselves.
        if drawn.main.count <= 12, !line.isFaint {
            shapes += Markup.joined(
                drawn.main.map {
                    "<circle class=\"dot\" cx=\"\(at: frame.x($0.step))\" cy=\"\(at: frame.y($0.value))\" r=\"2.4\"/>"
                })
        }
        for step in line.gaps.prefix(60) {
            let (x, y) = (frame.x(step), frame.bottom)
            shapes += """
                <path class="bad" d="M\(at: x - 3) \(at: y - 3)L\(at: x + 3) \(at: y + 3)M\(at: x - 3) \(at: y + 3)L\(at: x + 3) \
                \(at: y - 3)"><title>step \(Int(step)): not finite</title></path>
                """
        }
        if !isSmall, !line.isFaint { shapes += hoverPoints(drawn.main, line, in: frame) }
        return "<g style=\"--c:\(line.color)\">\(shapes)</g>\n"
    }

    private func hoverPoints(_ points: [CurvePoint], _ line: Line, in frame: PlotFrame) -> Markup {
        let stride = max(1, points.count / 36)
        let chosen = points.enumerated().filter { $0.offset % stride == 0 || $0.offset == points.count - 1 }.map(
            \.element)
        let name = line.label.map { "\($0), " } ?? ""
        return Markup.joined(
            chosen.map { point in
                """
                <circle class="hover" cx="\(at: frame.x(point.step))" cy="\(at: frame.y(point.value))" r="4">\
                <title>\(name)step \(Int(point.step)): \(HumanFormat.metric(point.value))</title></circle>
                """
            })
    }

    /// The names at the ends of the curves, moved apart where they would meet.
    private func ends(_ drawn: [Drawn], in frame: PlotFrame) -> Markup {
        var ends = drawn.compactMap { drawn in
            drawn.main.last.flatMap { last in drawn.line.label.map { ($0, drawn.line.color, frame.y(last.value)) } }
        }.sorted { $0.2 < $1.2 }
        for index in ends.indices.dropFirst() { ends[index].2 = max(ends[index].2, ends[index - 1].2 + 11) }
        let excess = max(0, (ends.last?.2 ?? 0) - frame.bottom)
        for index in ends.indices.reversed() where excess > 0 {
            let limit = index + 1 < ends.count ? ends[index + 1].2 - 11 : frame.bottom
            ends[index].2 = min(ends[index].2, limit)
        }
        return Markup.joined(
            ends.map { label, color, y in
                """
                <text class="label" style="--c:\(color)" x="\(at: frame.right + 5)" y="\(at: y + 3.5)">\(Self.shortened(label))\
                <title>\(label)</title></text>
                """
            })
    }

    static func shortened(_ label: String) -> String { label.count > 14 ? "\(label.prefix(13))…" : label }
}

extension Markup {
    static func joined(_ parts: [Markup]) -> Markup { "\(parts)" }
}
