import MPI
import Runs
import Training

/// What can go wrong between the synthetic task and its user.
package enum SyntheticTaskError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A prompt that the task did not write.
    case notAnOrder(String)
    /// A line given to the judge that is not `{"prompt": ..., "completion": ...}`.
    case malformedRequest(line: Int, reason: String)
    /// A file or directory that cannot be written.
    case cannotWrite(path: String, reason: String)
    /// Fewer distinct orders exist than were asked to be held out.
    case tooManyHeldOut(asked: Int, most: Int)

    /// One line with what was wrong and what is expected.
    package var description: String {
        switch self {
        case .notAnOrder(let prompt):
            "not an order of the synthetic task: \(prompt.debugDescription); expected \"Guest: tea, rice.\\nWaiter:\""
                + " with items of the menu, each once"
        case .malformedRequest(let line, let reason):
            "standard input:\(line): \(reason); expected a line {\"prompt\": \"...\", \"completion\": \"...\"}"
        case .cannotWrite(let path, let reason):
            "cannot write \(path): \(reason); name another directory with --output"
        case .tooManyHeldOut(let asked, let most):
            "cannot hold out \(asked) different orders: ask for at most \(most)"
        }
    }
}

extension SyntheticTaskError: ExitStatusProviding {
    /// 2.
    package var exitStatus: Int32 { 2 }
}
