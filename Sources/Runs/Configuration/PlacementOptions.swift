import Configuration

/// How the workers of a PPO stage share learning and rollouts.
package struct PlacementOptions: Sendable, Equatable {
    /// Whether roles have ranks of their own.
    package var placement: PlacementChoice = .split
    /// The number of learner ranks under split placement; the rest are rollout workers.
    package var learners = 1

    /// The defaults.
    package init() {}

    package mutating func inherit(_ scope: StageScope) {
        if !scope.given.contains("placement") { placement = scope.run.placement.placement }
        if !scope.given.contains("learners") { learners = scope.run.placement.learners }
    }
}

extension PlacementOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "placement", \.placement, effect: .free,
            "Whether PPO's learners and rollout workers are ranks of their own, or every rank is both.")
        Field(
            "learners", \.learners, .atLeast(1), effect: .free,
            "Learner ranks under split placement; the other workers do rollouts.")
    }
}

/// Whether roles have ranks of their own.
package enum PlacementChoice: String, Sendable, ConfigurationWord {
    /// Learners and rollout workers are different ranks.
    case split
    /// Every worker is both.
    case colocated
}
