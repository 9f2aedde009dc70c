import Configuration
import MPI

/// What happens to a step whose loss or gradient is not a finite number (`on_non_finite`).
package enum NonFinitePolicy: String, Sendable, ConfigurationWord {
    /// The run ends.
    case stop
    /// The step changes nothing, and the run goes on.
    case skip
}

/// Counts the steps that were skipped because a loss or gradient was not finite, and says when to give up.
package struct NonFiniteSteps: Sendable, Equatable, Codable {
    /// All that were skipped.
    package private(set) var total = 0
    /// The latest ones, with no good step after them.
    package private(set) var inARow = 0

    /// Skipping more than this in a row only burns time: what makes them so does not pass.
    private static let mostInARow = 10

    package init() {}

    /// Takes note of a step that was made.
    package mutating func passed() { inARow = 0 }

    /// Takes note of a step that was not, and says so.
    ///
    /// - Parameters:
    ///   - cause: What is not finite.
    ///   - finders: The ranks that find so together.
    /// - Throws: ``RunError/notFinite(stage:step:what:teller:canSkip:)`` where the run is to stop, or too many were skipped.
    package mutating func met(
        _ cause: String, stage: String, step: Int, policy: NonFinitePolicy, finders: Communicator,
        note: (String) throws -> Void
    ) throws {
        let error = {
            RunError.notFinite(
                stage: stage, step: step, what: $0, teller: finders.worldRanks[0], canSkip: policy != .skip)
        }
        guard policy == .skip else { throw error(cause) }
        total += 1
        inARow += 1
        guard inARow < Self.mostInARow else {
            throw error("for \(inARow) steps in a row, and last, \(cause)")
        }
        try note("step \(step) skipped: \(cause) is not finite")
    }
}
