import Foundation

/// Values along an axis, with ticks at round numbers.
package struct AxisScale {
    /// What is shown.
    package let domain: ClosedRange<Double>
    /// Where its ends lie in the drawing.
    let start: Double
    let end: Double
    /// Round numbers within the domain.
    package let ticks: [Double]
    private let step: Double

    /// - Parameters:
    ///   - values: What is to be seen; not finite ones are left out.
    ///   - widened: Whether the domain ends at ticks.
    package init(
        _ values: some Sequence<Double>, from start: Double, to end: Double, ticks count: Int = 4, widened: Bool = true
    ) {
        var (low, high) = (Double.infinity, -Double.infinity)
        for value in values where value.isFinite { (low, high) = (min(low, value), max(high, value)) }
        if low > high { (low, high) = (0, 1) }
        if high - low <= 1e-12 * max(abs(low), abs(high)) {
            (low, high) = low == 0 ? (0, 1) : (low - abs(low) / 2, high + abs(high) / 2)
            // The least numbers have no halves.
            if low == high { (low, high) = (low - 1, high + 1) }
        }
        let step = Self.roundStep((high - low) / Double(count))
        if widened {
            (low, high) = ((low / step + 1e-9).rounded(.down) * step, (high / step - 1e-9).rounded(.up) * step)
        }
        domain = low...high
        (self.start, self.end, self.step) = (start, end, step)
        let (first, last) = ((low / step - 1e-9).rounded(.up), (high / step + 1e-9).rounded(.down))
        ticks = first <= last ? (0...min(20, Int(last - first))).map { (first + Double($0)) * step } : []
    }

    /// Where a value lies.
    package func callAsFunction(_ value: Double) -> Double {
        start + (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound) * (end - start)
    }

    /// A tick in as many digits as its neighbours need.
    package func text(_ tick: Double) -> String {
        let largest = max(abs(domain.lowerBound), abs(domain.upperBound))
        if abs(tick) < step / 1e6 { return "0" }
        if largest >= 10_000 {
            let (unit, name) = largest >= 1e9 ? (1e9, "G") : largest >= 1e6 ? (1e6, "M") : (1e3, "k")
            guard largest < 1e13 else { return Self.scientific(tick) }
            return String(format: "%.\(Self.decimals(step / unit))f%@", tick / unit, name)
        }
        guard step >= 1e-3 else { return Self.scientific(tick) }
        return String(format: "%.\(Self.decimals(step))f", tick)
    }

    /// 1, 2 or 5 times a power of ten, and at least `least`.
    private static func roundStep(_ least: Double) -> Double {
        let power = pow(10, log10(least).rounded(.down))
        return [1, 2, 5].map { $0 * power }.first { $0 >= least * (1 - 1e-9) } ?? 10 * power
    }

    private static func decimals(_ step: Double) -> Int { max(0, Int((-log10(step) - 1e-9).rounded(.up))) }

    private static func scientific(_ value: Double) -> String {
        let parts = String(format: "%.1e", value).split(separator: "e")
        guard parts.count == 2, let exponent = Int(parts[1]) else { return "\(value)" }
        return "\(parts[0].hasSuffix(".0") ? parts[0].dropLast(2) : parts[0])e\(exponent)"
    }
}
