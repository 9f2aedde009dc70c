import Foundation
import Runs

/// Where a stage's time went, as its lines of metrics tell.
package struct StageTiming: Sendable, Equatable {
    /// From the end of the stage before, or the first line, to the last; pauses of a run that was stopped are left out.
    package private(set) var seconds: Double?
    /// How long the run stood still within the stage.
    package private(set) var paused = 0.0
    package private(set) var steps: Int?
    /// Seconds of all steps, by what was done: names of `timing/*` without that.
    package private(set) var phases: [(name: String, seconds: Double)] = []
    /// Tokens a second, the median of the lines.
    package private(set) var throughput: Double?
    /// The most that tensors took of a card, in GiB.
    package private(set) var peakMemory: Double?

    package static func == (left: Self, right: Self) -> Bool {
        left.seconds == right.seconds && left.steps == right.steps && left.throughput == right.throughput
            && left.paused == right.paused && left.phases.elementsEqual(right.phases) { $0 == $1 }
    }

    /// - Parameter start: When the stage before ended, in seconds since 1970.
    package init(_ curves: StageCurves, after start: Double?) {
        guard let first = curves.times.first, let last = curves.times.last else { return }
        let pauses = Self.pauses(curves)
        paused = pauses.reduce(0, +)
        seconds = last - min(first, start ?? first) - paused
        steps = curves.steps.last.map { Int($0) }
        phases = Phase.allCases.compactMap { phase in
            curves.column("timing/\(phase.rawValue)").map { (phase.rawValue, Self.total($0, of: curves.steps)) }
        }
        throughput = Self.median((curves.column("perf/throughput") ?? []).filter(\.isFinite))
        peakMemory = curves.column("perf/max_memory_allocated_gb")?.filter(\.isFinite).max()
    }

    /// Sums a mean a step over the steps that each line stands for.
    private static func total(_ means: [Double], of steps: [Double]) -> Double {
        var (sum, before) = (0.0, 0.0)
        for (mean, step) in zip(means, steps) {
            if mean.isFinite { sum += mean * (step - before) }
            before = step
        }
        return sum
    }

    /// Times between two lines that are far longer than others: a run that was resumed stood still there.
    private static func pauses(_ curves: StageCurves) -> [Double] {
        let intervals = zip(curves.times.dropFirst(), curves.times).map { $0 - $1 }
        let usual = median(intervals) ?? 0
        return intervals.filter { $0 > max(60, 20 * usual) }
    }

    static func median(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
}
