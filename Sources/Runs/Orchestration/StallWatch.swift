import Foundation
import MPI

/// Rank zero's eye on its workers: says whom it waits for when they report nothing for long, and ends a run that stands
/// still or has lost a host.
///
/// A rank that computes, reads or writes makes progress, however long its step, and so does one whose reward program answers.
/// One that waits for others, or for a disk or a program that gives nothing, makes none.
package final class StallWatch {
    private let warning: Double
    private let timeout: Double
    private let ranks: [WatchedRank]
    private let clock: () -> Double
    private var reported: Double
    private var progressed: Double
    private var nextWarning: Double

    /// A watch over ranks.
    ///
    /// - Parameters:
    ///   - warning: Seconds without a report after which a line is told; the next comes after twice the time.
    ///   - timeout: Seconds without progress, or without a sign of life from a rank, after which the run is ended.
    package init(
        _ ranks: [WatchedRank], warning: Double, timeout: Double,
        clock: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        (self.ranks, self.warning, self.timeout, self.clock) = (ranks, warning, timeout, clock)
        reported = clock()
        progressed = reported
        nextWarning = warning
    }

    /// A watch over the workers at the other end of a life line, as a configuration wants it.
    package convenience init(_ lifeLine: LifeLine?, _ configuration: RunConfiguration) {
        self.init(
            lifeLine.map(WatchedRank.workers) ?? [], warning: Double(configuration.stallWarningSeconds),
            timeout: Double(configuration.stallTimeoutSeconds))
    }

    /// Takes note that a worker has reported something, or was told to do something.
    package func reset() {
        reported = clock()
        progressed = reported
        nextWarning = warning
    }

    /// Looks at all ranks; a line to tell where it is time for one.
    ///
    /// - Throws: ``StallError``
    package func check() throws -> String? {
        let now = clock()
        let silent = ranks.filter { $0.silence() > timeout }
        guard silent.isEmpty else { throw StallError.silent(silent.map(\.name), seconds: timeout) }
        let working = ranks.filter { $0.isWorking() }
        if !working.isEmpty { progressed = now }
        guard now - progressed <= timeout else { throw StallError.still(ranks.map(\.name), seconds: timeout) }
        guard now - reported > nextWarning else { return nil }
        nextWarning *= 2
        let waiting = ranks.filter { rank in !working.contains { $0.name == rank.name } }
        let groups = [("at work", working), ("waiting", waiting)].filter { !$0.1.isEmpty }
        return "nothing reported for \(HumanFormat.duration(seconds: now - reported)); "
            + groups.map { "\($0.0): \($0.1.map(\.name).joined(separator: ", "))" }.joined(separator: "; ")
    }
}

/// A rank as ``StallWatch`` sees it.
package struct WatchedRank {
    /// `rank 3 on node7`.
    package let name: String
    /// Seconds since its last sign of life.
    package let silence: () -> Double
    /// Whether it makes progress, rather than waits for something.
    package let isWorking: () -> Bool

    package init(name: String, silence: @escaping () -> Double, isWorking: @escaping () -> Bool) {
        (self.name, self.silence, self.isWorking) = (name, silence, isWorking)
    }

    /// The workers at the other end of a life line.
    package static func workers(_ lifeLine: LifeLine) -> [WatchedRank] {
        (1..<lifeLine.hosts.count).map { rank in
            WatchedRank(
                name: "rank \(rank) on \(lifeLine.hosts[rank])", silence: { lifeLine.silence(of: rank) },
                isWorking: { lifeLine.isWorking(rank) })
        }
    }
}

/// A run that does not go on.
package enum StallError: Error, Equatable, CustomStringConvertible {
    /// No word from these ranks.
    case silent([String], seconds: Double)
    /// These ranks live, but none of them gets on or reports.
    case still([String], seconds: Double)

    /// One line.
    package var description: String {
        switch self {
        case .silent(let ranks, let seconds):
            "no word from \(ranks.joined(separator: ", ")) for \(HumanFormat.duration(seconds: seconds)): "
                + "the host is down or stopped, or its link is"
        case .still(let ranks, let seconds):
            "no progress for \(HumanFormat.duration(seconds: seconds)): \(ranks.joined(separator: ", ")) "
                + "all wait; look at file systems and reward programs, or raise stall_timeout_seconds"
        }
    }
}
