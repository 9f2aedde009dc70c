/// What makes a run this run, as `run.json` keeps it for the next start.
package struct RunIdentity: Codable, Equatable {
    /// Every key of the resolved configuration with its value.
    package var settings: [String: String]
    /// What is read from outside the run directory, and what stages have left that are done.
    package var inputs: [RunInput]
    /// Who computed what in the latest start.
    package var topology: Topology

    /// What a run is as it starts now.
    ///
    /// - Parameter state: What an earlier start has left; large files that it knows need not be read again.
    package init(_ plan: RunPlan, _ topology: Topology, after state: RunState?) throws {
        settings = plan.configuration.settings
        inputs = try RunInput.all(of: plan, after: state)
        self.topology = topology
    }
}

/// How one start of a run differs from the one before.
package struct RunChange: Equatable {
    /// What differs, then and now: `dpo.beta: 0.1 then, 0.2 now`.
    package var text: String
    package var effect: ChangeEffect
}

/// What a change means for the result of a run that is resumed, the worst last.
package enum ChangeEffect: Comparable {
    /// Nothing, or nothing that is not judged elsewhere.
    case none
    /// The weights stay what they would have been, or no stage that has begun depends on it.
    case safe
    /// The same run, rounded differently.
    case rounding
    /// A stage that has begun would have come out differently.
    case numerics
}
