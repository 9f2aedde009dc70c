import Runs
import Training

/// The 95 % interval of a rate: Wilson's score interval (Wilson 1927, JASA 22), which stays within 0 and 1 and has a width
/// however few draws there are and whatever they gave.
package struct WilsonInterval: Sendable, Equatable {
    /// Where it begins.
    package let low: Double
    /// Where it ends.
    package let high: Double

    /// Of a standard normal variable, 95 % lie within plus and minus this.
    private static let deviations = 1.959963984540054

    /// - Parameters:
    ///   - rate: The share of wins, from 0 to 1. Draws that count half, as ties do, vary less than wins and losses, so that
    ///     with them the interval is rather too wide.
    ///   - count: How many draws.
    package init(rate: Double, count: Int) {
        guard count > 0 else {
            (low, high) = (0, 1)
            return
        }
        let (n, z) = (Double(count), Self.deviations)
        let center = (rate + z * z / (2 * n)) / (1 + z * z / n)
        let margin = z / (1 + z * z / n) * (rate * (1 - rate) / n + z * z / (4 * n * n)).squareRoot()
        // At either end rounding would lead past it, or short of it.
        low = rate <= 0 ? 0 : max(0, center - margin)
        high = rate >= 1 ? 1 : min(1, center + margin)
    }
}
