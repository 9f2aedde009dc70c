/// A figure over seeds: its values, their mean and its 95 % interval.
package struct SeedSummary: Sendable, Equatable, Codable {
    /// A value a seed, `nil` where there is none; mean and interval are then `nil` too.
    package var values: [Double?]
    package var mean: Double?
    package var low: Double?
    package var high: Double?

    /// - Parameter bounds: What the figure lies between whatever the seeds, as a rate does, beyond which no interval reaches.
    package init(_ values: [Double?], within bounds: ClosedRange<Double>? = nil) {
        self.values = values
        let known = values.compactMap(\.self)
        guard known.count == values.count, known.count > 1 else { return }
        let test = TTest(known)
        mean = test.mean
        low = max(test.low, bounds?.lowerBound ?? test.low)
        high = min(test.high, bounds?.upperBound ?? test.high)
    }
}

/// Differences of an arm to the baseline, seed by seed, and how probable such a mean is by chance alone.
package struct SeedDifference: Sendable, Equatable, Codable {
    package var values: [Double]
    package var mean: Double
    package var low: Double
    package var high: Double
    /// Of the paired t test.
    package var p: Double
    /// The same, corrected for all arms that are compared; see ``HolmCorrection``.
    package var adjustedP: Double

    private enum CodingKeys: String, CodingKey {
        case values, mean, low, high, p
        case adjustedP = "p_holm"
    }

    /// With ``adjustedP`` still to be adjusted.
    package init(_ values: [Double], to baseline: [Double]) {
        self.values = zip(values, baseline).map { $0 - $1 }
        let test = TTest(self.values)
        (mean, low, high) = (test.mean, test.low, test.high)
        (p, adjustedP) = (test.p, test.p)
    }
}
