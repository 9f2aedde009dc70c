/// The mean of a few independent values, its 95 % interval and its test against 0, by Student's t distribution.
///
/// Of differences between two arms on the same seeds this is the paired t test.
package struct TTest: Sendable, Equatable {
    /// The share of repetitions whose interval holds the true mean.
    package static let confidence = 0.95

    package let mean: Double
    /// Where the interval begins.
    package let low: Double
    /// Where it ends.
    package let high: Double
    /// The mean over its standard error; infinite or NaN where all values are the same.
    package let t: Double
    /// How probable a mean so far from 0 is where the true one is 0. Values that are all the same leave no doubt: 1 where they
    /// are 0, and 0 elsewhere.
    package let p: Double

    /// - Parameter values: Two or more.
    package init(_ values: [Double]) {
        precondition(values.count > 1, "an interval of \(values.count) values")
        let count = Double(values.count)
        let distribution = StudentT(degreesOfFreedom: count - 1)
        mean = values.reduce(0, +) / count
        let mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let isConstant = values.allSatisfy { $0 == values[0] }
        let error = isConstant ? 0 : (squares / (count - 1) / count).squareRoot()
        let margin = error > 0 ? error * distribution.quantile(0.5 + Self.confidence / 2) : 0
        (low, high) = (mean - margin, mean + margin)
        t = mean / error
        p = error > 0 ? distribution.twoSidedTail(t) : mean == 0 ? 1 : 0
    }
}

/// Holm's correction of several tests (Holm 1979, Scandinavian Journal of Statistics 6).
package enum HolmCorrection {
    /// The adjusted p values, in the order of `p`: to reject those under 0.05 errs in one of 20 families of tests at most.
    package static func adjusted(_ p: [Double]) -> [Double] {
        var adjusted = p
        var largest = 0.0
        for (rank, index) in p.indices.sorted(by: { (p[$0], $0) < (p[$1], $1) }).enumerated() {
            largest = max(largest, min(1, Double(p.count - rank) * p[index]))
            adjusted[index] = largest
        }
        return adjusted
    }
}
