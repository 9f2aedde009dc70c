import MPI

/// What ends a run before it is done, to be resumed: a signal, or the end of the time it was given.
public struct StopConditions: Sendable {
    let signals: StopSignals
    let timeLimit: Double?
    let start = ContinuousClock.now

    /// - Parameters:
    ///   - signals: The signals that ask for a stop.
    ///   - timeLimit: Seconds from now by which the run must have ended; `nil` for no limit.
    public init(signals: StopSignals, timeLimit: Double? = nil) {
        self.signals = signals
        self.timeLimit = timeLimit
    }
}
