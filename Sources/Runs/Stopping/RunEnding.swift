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
