import Runs
import Stages

/// What one item gave.
package struct Measurement: Codable {
    /// One repeat.
    package struct Sample: Codable {
        var seconds: Double
        /// Processor time of all threads, over all ranks.
        var processorSeconds: Double
        /// What was done, in the item's unit, over all ranks.
        var count: Double
        /// Needed operations, over all ranks.
        var operations: Double

        package init(seconds: Double, processorSeconds: Double, count: Double, operations: Double) {
            (self.seconds, self.processorSeconds) = (seconds, processorSeconds)
            (self.count, self.operations) = (count, operations)
        }
    }

    /// The item, such as `dpo` or `decode 32`.
    var name: String
    /// The preference loss, where one was asked for.
    var loss: String?
    /// What is counted: `pairs`, `tokens`.
    var unit: String
    var samples: [Sample]
    /// The machine's peak in matrix products before each repeat and after the last, in billions of operations a second.
    var peaks: [Double] = []
    /// The most memory that a rank had, in bytes.
    var peakMemory: Int
    /// Seconds of a repeat by phase on the first rank, medians.
    var phases: [String: Double] = [:]
    /// Seconds of a repeat outside all phases, median; `nil` where there are no phases.
    var otherSeconds: Double?
    /// Numbers for a comparison with other programs, by name.
    var values: [String: [Double]] = [:]

    package init(name: String, unit: String, samples: [Sample], peaks: [Double] = [], peakMemory: Int) {
        (self.name, self.unit) = (name, unit)
        (self.samples, self.peaks, self.peakMemory) = (samples, peaks, peakMemory)
    }

    /// The item with its loss.
    var title: String { loss.map { "\(name) (\($0))" } ?? name }
    /// Seconds of a repeat, median.
    var seconds: Double { median(samples.map(\.seconds)) }
    /// Processors in use, median: fewer than there are threads where something else had them.
    var processors: Double { median(samples.map { $0.processorSeconds / $0.seconds }) }
    /// Units a second, median.
    var rate: Double { median(samples.map { $0.count / $0.seconds }) }
    /// Needed operations a second, in billions, median.
    var gigaflops: Double { median(samples.map { $0.operations / $0.seconds * 1e-9 }) }
    /// That part of the peak, as it was while this was measured.
    var fractionOfPeak: Double { gigaflops / (peaks.max() ?? .nan) }
    /// How far the slowest repeat is from the fastest, as a part of the median; `nil` for one repeat.
    var spread: Double? {
        let times = samples.map(\.seconds).sorted()
        guard let first = times.first, let last = times.last, times.count > 1 else { return nil }
        return (last - first) / seconds
    }
    /// Whether other work on the machine changed its speed so much that the figures say little: repeats differ by more than
    /// half, or more was done than is possible.
    var isNoise: Bool { fractionOfPeak > 1 || spread ?? 0 > 0.5 }

    /// What `self` and `other` took together, one behind the other in the same repeats.
    func followed(by other: Measurement, named name: String, unit: String) -> Measurement {
        var whole = self
        (whole.name, whole.unit, whole.values) = (name, unit, other.values)
        whole.samples = zip(samples, other.samples).map { first, second in
            Sample(
                seconds: first.seconds + second.seconds,
                processorSeconds: first.processorSeconds + second.processorSeconds, count: first.count + second.count,
                operations: first.operations + second.operations)
        }
        return whole
    }
}

/// The middle of some numbers, of which there is at least one.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let (low, high) = ((sorted.count - 1) / 2, sorted.count / 2)
    return (sorted[low] + sorted[high]) / 2
}
