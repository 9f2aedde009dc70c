/// What one item gave.
struct Measurement: Codable {
    /// One repeat.
    struct Sample: Codable {
        var seconds: Double
        /// Processor time of all threads, over all ranks.
        var processorSeconds: Double
        /// What was done, in the item's unit, over all ranks.
        var count: Double
        /// Needed operations, over all ranks.
        var operations: Double
    }

    /// The item, such as `dpo` or `decode 32`.
    var name: String
    /// What is counted: `pairs`, `tokens`.
    var unit: String
    var samples: [Sample]
    /// The most memory that a rank had, in bytes.
    var peakMemory: Int
    /// Seconds of a repeat by phase on the first rank, medians.
    var phases: [String: Double] = [:]
    /// Numbers for a comparison with other programs, by name.
    var values: [String: [Double]] = [:]

    /// Seconds of a repeat, median.
    var seconds: Double { median(samples.map(\.seconds)) }
    /// Processors in use, median: fewer than there are threads where something else had them.
    var processors: Double { median(samples.map { $0.processorSeconds / $0.seconds }) }
    /// Units a second, median.
    var rate: Double { median(samples.map { $0.count / $0.seconds }) }
    /// Needed operations a second, in billions, median.
    var gigaflops: Double { median(samples.map { $0.operations / $0.seconds * 1e-9 }) }
}

/// The middle of some numbers, of which there is at least one.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let (low, high) = ((sorted.count - 1) / 2, sorted.count / 2)
    return (sorted[low] + sorted[high]) / 2
}
