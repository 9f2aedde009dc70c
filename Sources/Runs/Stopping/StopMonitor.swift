import Foundation
import MPI

/// Looks, at each boundary between two steps of a stage and between two parts of an evaluation, whether the run should stop there.
///
/// A run with a time limit stops while there is still time for one more step, as long as the longest so far, and for
/// saving.
package final class StopMonitor {
    private let conditions: StopConditions
    private var lastBoundary: ContinuousClock.Instant?
    private var longestStep = 0.0
    private var savingTime = 0.0

    package init(_ conditions: StopConditions) {
        self.conditions = conditions
    }

    /// Starts to measure steps: what came before them is not one.
    package func beginSteps() {
        lastBoundary = .now
        longestStep = 0
    }

    /// Leaves the time since the last boundary out of the measure.
    package func pass() { lastBoundary = .now }

    /// What this rank finds at a boundary. Others may find something else: see ``agreed(over:)``.
    package func wish() -> StopReason? {
        let now = ContinuousClock.now
        if let lastBoundary { longestStep = max(longestStep, lastBoundary.duration(to: now).seconds) }
        lastBoundary = now
        if let signal = conditions.signals.received { return .signal(signal) }
        guard let limit = conditions.timeLimit else { return nil }
        let elapsed = conditions.start.duration(to: now).seconds
        return elapsed + longestStep + 1.5 * savingTime + Self.endingTime > limit ? .timeLimit : nil
    }

    /// Stops all ranks of a communicator at the same boundary, whichever of them wishes it.
    package func agreed(over ranks: Communicator) throws -> StopReason? {
        StopReason(code: try ranks.allReduce(wish()?.code ?? 0, .max))
    }

    /// Says how much a checkpoint will have to write, before the first is measured.
    package func expectSaving(bytes: Int) {
        savingTime = max(savingTime, Double(bytes) / Self.diskSpeed)
    }

    /// Measures what it takes to save.
    package func measureSaving(_ save: () throws -> Void) rethrows {
        let start = ContinuousClock.now
        try save()
        lastBoundary = .now
        savingTime = start.duration(to: .now).seconds
    }

    /// Seconds that ranks and their launcher take to end.
    private static let endingTime = 2.0
    /// Bytes a second of a slow file system.
    private static let diskSpeed = 1e8
}

/// What ends a run before it is done, to be resumed: a signal, or the end of the time it was given.
package struct StopConditions: Sendable {
    package let signals: StopSignals
    package let timeLimit: Double?
    package let start = ContinuousClock.now

    /// - Parameters:
    ///   - signals: The signals that ask for a stop.
    ///   - timeLimit: Seconds from now by which the run must have ended; `nil` for no limit.
    package init(signals: StopSignals, timeLimit: Double? = nil) {
        self.signals = signals
        self.timeLimit = timeLimit
    }
}

/// Why a run stops before it is done.
package enum StopReason: Sendable, Codable, Equatable, CustomStringConvertible {
    case signal(Int32)
    case timeLimit

    /// A positive number for ranks to compare.
    package var code: Int64 {
        switch self {
        case .signal(let number): Int64(number)
        case .timeLimit: Self.timeLimitCode
        }
    }

    /// The reason of that code; `nil` for 0.
    package init?(code: Int64) {
        switch code {
        case 0: return nil
        case Self.timeLimitCode: self = .timeLimit
        default: self = .signal(Int32(truncatingIfNeeded: code))
        }
    }

    /// `by SIGUSR1`, `for its time limit`.
    package var description: String {
        switch self {
        case .signal(SIGUSR1): "by SIGUSR1"
        case .signal(SIGTERM): "by SIGTERM"
        case .signal(SIGINT): "by SIGINT"
        case .signal(let number): "by signal \(number)"
        case .timeLimit: "for its time limit"
        }
    }

    /// No signal has this number.
    private static let timeLimitCode: Int64 = 1000
}

/// How a run ended that did not fail.
package enum RunEnding: Sendable {
    /// Every stage is done.
    case done
    /// It was stopped, and can be resumed.
    case stopped

    /// What a process exits with: 0, or 75 (`EX_TEMPFAIL`), on which schedulers can queue a job again.
    package var exitStatus: Int32 {
        switch self {
        case .done: 0
        case .stopped: 75
        }
    }
}
