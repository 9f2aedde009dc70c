import MPI

extension StageContext {
    /// Leaves a stage whose workers go their own ways, where this one finds that the run is to stop.
    ///
    /// - Throws: ``StageStopped``
    package func stopAlone() throws {
        if let reason = stopMonitor.wish() { throw StageStopped(reason: reason) }
    }

    /// Has all workers do their shares of a pass whose parts each does at a pace of its own; all of them call this together.
    ///
    /// - Parameter body: asks before each part whether to go on, and leaves out the rest where not.
    /// - Throws: ``StageStopped`` on every worker where the run is to stop, with the step that the stage went on from.
    package func interruptible<Result>(_ body: (_ goesOn: () -> Bool) throws -> Result) throws -> Result {
        let result = try body { stopMonitor.wish() == nil }
        try workers.quietBarrier()
        // Waiting for others is no part of the pass.
        stopMonitor.pass()
        try stopTogether(over: workers, at: checkpoint)
        return result
    }

    /// Leaves the stage where any of `ranks` finds that the run is to stop; all of them call this together.
    ///
    /// - Throws: ``StageStopped`` on every one of them.
    package func stopTogether(over ranks: Communicator, at step: Int?) throws {
        if let reason = try stopMonitor.agreed(over: ranks) { throw StageStopped(step: step, reason: reason) }
    }
}
