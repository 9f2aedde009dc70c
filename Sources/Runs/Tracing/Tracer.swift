import Dispatch
import MPI

/// Where a rank's time goes: seconds a phase for `timing/*` metrics and, where a trace is asked for, each span with its
/// begin and end.
///
/// A measurement costs two looks at the clock. Spans stay in memory (64 bytes each) until the run ends.
package final class Tracer {
    /// One stretch of time.
    package struct Span: Equatable {
        package var phase: Phase
        /// The name of a stage.
        package var label: String?
        /// The number of a step, from 1.
        package var number: Int?
        /// On this host's clock, in nanoseconds.
        package var start: UInt64
        package var end: UInt64
    }

    /// What was recorded, in the order of ends.
    package private(set) var spans: [Span] = []
    private let isRecording: Bool
    private var seconds: [Phase: Double] = [:]

    /// - Parameter isRecording: Whether spans are kept, not sums alone.
    package init(isRecording: Bool = false) {
        self.isRecording = isRecording
    }

    /// This host's clock, in nanoseconds.
    package static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

    /// Runs `body` as a part of a phase, within which other phases may lie.
    package func measure<Result, Failure>(
        _ phase: Phase, label: String? = nil, number: Int? = nil, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = Self.now
        defer {
            let end = Self.now
            seconds[phase, default: 0] += Double(end - start) * 1e-9
            if isRecording {
                spans.append(Span(phase: phase, label: label, number: number, start: start, end: end))
            }
        }
        return try body()
    }

    /// Runs a collective call after a wait for all ranks, so that waiting and communication are told apart.
    package func collective<Result>(over communicator: Communicator, _ body: () throws -> Result) throws -> Result {
        guard communicator.size > 1 else { return try body() }
        try wait(for: communicator)
        return try measure(.communication, body)
    }

    /// Waits for all ranks, before work between which they exchange numbers.
    package func wait(for communicator: Communicator) throws {
        if communicator.size > 1 { try measure(.waiting) { try communicator.barrier() } }
    }

    /// Forgets the sums so far: what follows is another stage's.
    package func clearTimings() { seconds = [:] }

    /// Seconds of these phases since they were last taken, as `timing/*` metrics; 0 for what did not happen.
    package func takeTimings(_ phases: [Phase]) -> MetricValues {
        var values: MetricValues = [:]
        for phase in phases { values["timing/\(phase.rawValue)"] = seconds.removeValue(forKey: phase) ?? 0 }
        return values
    }
}

extension [Phase] {
    /// What a step of `sft`, `reward` and `dpo` is made of.
    package static let offline: [Phase] = [.forward, .backward, .optimizer, .communication, .waiting]

    /// What a step of PPO is made of.
    package static let ppo: [Phase] = [.generation, .scoring] + .offline
}
