import MPI

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
