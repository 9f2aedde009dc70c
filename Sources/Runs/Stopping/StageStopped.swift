import MPI

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
