import MPI

extension StageContext {
    /// Leaves a stage whose workers go their own ways, where this one finds that the run is to stop.
    ///
    /// - Throws: ``StageStopped``
    func stopAlone() throws {
        if let reason = stopMonitor.wish() { throw StageStopped(reason: reason) }
    }

    /// Leaves the stage where any of `ranks` finds that the run is to stop; all of them call this together.
    ///
    /// - Throws: ``StageStopped`` on every one of them.
    func stopTogether(over ranks: Communicator, at step: Int?) throws {
        if let reason = try stopMonitor.agreed(over: ranks) { throw StageStopped(step: step, reason: reason) }
    }
}
