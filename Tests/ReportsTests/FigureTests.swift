import Foundation
import Reports
import Testing

@Suite("Figures")
struct FigureTests {
    @Test(
        "Ticks are round numbers that hold all values between them",
        arguments: [
            (0.0, 1.0, ["0", "0.5", "1.0"]), (0.0, 375.0, ["0", "100", "200", "300", "400"]),
            (-3.25, 6.0, ["-5", "0", "5", "10"]),
            (0.0, 0.0005, ["0", "2e-4", "4e-4", "6e-4"]), (0.0, 100_000, ["0", "50k", "100k"]),
            (1e6, 2.5e6, ["1.0M", "1.5M", "2.0M", "2.5M"]),
        ])
    func ticks(low: Double, high: Double, texts: [String]) {
        let scale = AxisScale([low, high], from: 0, to: 100)
        #expect(scale.ticks.map(scale.text) == texts)
        #expect(scale.domain.contains(low) && scale.domain.contains(high))
        #expect(scale(scale.domain.lowerBound) == 0 && scale(scale.domain.upperBound) == 100)
    }

    @Test(
        "Values that are all the same, not finite or none at all have an axis too",
        arguments: [
            [], [0.0], [3, 3], [.nan], [.infinity, 2], [1e300, -1e300], [.leastNonzeroMagnitude],
        ])
    func degenerate(values: [Double]) {
        let scale = AxisScale(values, from: 0, to: 100)
        #expect(scale.domain.lowerBound < scale.domain.upperBound)
        #expect(scale.ticks.count < 22)
        #expect(values.filter(\.isFinite).allSatisfy { (-0.001...100.001).contains(scale($0)) })
    }

    private let noise = (0..<100_000).map { CurvePoint(step: Double($0), value: sin(Double($0 * $0))) }

    @Test("A thinned curve is short, in order, and keeps its ends and extremes")
    func thinning() {
        var curve = noise
        curve[54_321].value = 9
        curve[54_322].value = -9
        let thinned = CurveThinning.thinned(curve)
        #expect(thinned.count <= CurveThinning.points)
        #expect(thinned.count > CurveThinning.points / 2)
        #expect(zip(thinned, thinned.dropFirst()).allSatisfy { $0.step < $1.step })
        #expect(thinned.first == curve.first && thinned.last == curve.last)
        #expect(thinned.contains(curve[54_321]) && thinned.contains(curve[54_322]))
        #expect(CurveThinning.thinned(Array(curve.prefix(300))) == Array(curve.prefix(300)))
    }

    @Test("A running mean leaves a straight line as it is, and takes noise away")
    func smoothing() throws {
        let line = (0..<1000).map { CurvePoint(step: Double($0), value: 2 * Double($0)) }
        let straight = try #require(CurveThinning.smoothed(line))
        #expect(straight.filter { (50...950).contains($0.step) }.allSatisfy { abs($0.value - 2 * $0.step) < 1e-6 })
        let smooth = try #require(CurveThinning.smoothed(noise))
        #expect(smooth.count < 300)
        #expect(smooth.allSatisfy { abs($0.value) < 0.1 })
        #expect(smooth.last?.step == noise.last?.step)
        #expect(CurveThinning.smoothed(Array(line.prefix(39))) == nil)
    }

    @Test("A histogram counts every value once, whole numbers in bars of their own")
    func histogram() {
        let values = [1.0, 2, 2, 5]
        let whole = Histogram(of: values, isWhole: true)
        #expect(whole.counts(of: values) == [1, 2, 0, 0, 1])
        #expect(whole.edge(0) == 0.5)
        for values in [noise.map(\.value), [3.0], [], [1, 1, 1], [-1e9, 1e9]] {
            for isWhole in [true, false] {
                let bars = Histogram(of: values, isWhole: isWhole)
                #expect(bars.counts(of: values).reduce(0, +) == values.count)
                #expect(bars.count <= 41)
            }
        }
    }

    @Test(
        "Text in markup is escaped, and what has no shape or turns the line is named",
        arguments: [
            (
                "<script>alert('x' & \"y\")</script>",
                "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;"
            ),
            ("a\u{0}\u{1B}\u{7F}b", "a␀␛␡b"), ("\u{202E}abc\u{2069}", "[U+202E]abc[U+2069]"), ("\r\n\tx", "␍\n\tx"),
            ("\u{FFFE}\u{85}", "\u{FFFD}[U+85]"), ("naïve 日本 👩‍👩‍👧", "naïve 日本 👩‍👩‍👧"),
        ])
    func escaping(text: String, escaped: String) {
        #expect(Markup(text: text).source == escaped)
        #expect(("<i title=\"\(text)\">\(text)</i>" as Markup).source == "<i title=\"\(escaped)\">\(escaped)</i>")
    }
}
