import MPI

extension StageContext {
    /// Leaves a stage whose workers go their own ways, where this one finds that the run is to stop.
    ///
    /// - Throws: ``StageStopped``
    package func stopAlone() throws {
        if let reason = stopMonitor.wish() { throw StageStopped(reason: reason) }
    }

    /// Has all workers do their shares of a stage, each at a pace of its own, before any of them goes on; all of them call this
    /// together. Where one leaves its share for the run to stop, all leave the stage.
    ///
    /// - Throws: ``StageStopped`` on every worker.
    package func together(_ share: () throws -> Void) throws {
        var stop: StageStopped?
        do {
            try share()
        } catch let error as StageStopped {
            stop = error
        }
        try tracer.measure(.waiting) { try workers.quietBarrier() }
        stopMonitor.pass()
        if let stop = try StageStopped.agreed(stop, over: workers) { throw stop }
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

/// Thrown where a stage is left for the run to stop. Workers may find it at different places: their ``Worker`` sees to it
/// that all of them stop.
package struct StageStopped: Error, Equatable {
    /// The steps that are done and saved; `nil` in a stage without steps.
    package var step: Int?
    package var reason: StopReason

    package init(step: Int? = nil, reason: StopReason) {
        (self.step, self.reason) = (step, reason)
    }

    /// What all of `workers` make of where each of them is: one that has left the stage ends it for those that are through.
    package static func agreed(_ own: StageStopped?, over workers: Communicator) throws -> StageStopped? {
        let all = try workers.allReduce([own?.reason.code ?? 0, Int64((own?.step ?? -1) + 1)], .max)
        return StopReason(code: all[0]).map { StageStopped(step: all[1] == 0 ? nil : Int(all[1]) - 1, reason: $0) }
    }
}
