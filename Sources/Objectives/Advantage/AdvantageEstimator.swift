/// From rewards a token to advantages a token: how much better a token was than what was expected.
public protocol AdvantageEstimator: Sendable {
    /// Whether it reads a critic's values; without one, no critic is made, saved or planned.
    var needsCritic: Bool { get }
    /// Whether it compares the responses to one prompt, which then stay together on their way to a learner.
    var keepsGroups: Bool { get }

    /// The estimates for some responses.
    ///
    /// - Parameters:
    ///   - rewards: Rewards a token of each response.
    ///   - values: The critic's values at the same tokens; empty lists without a critic.
    ///   - groups: For each response which prompt it answers, by any number; of a group that is kept together, all are here.
    func callAsFunction(rewards: [[Double]], values: [[Double]], groups: [Int]) -> [AdvantageEstimate]
}

extension AdvantageEstimator {
    /// A critic is read unless told otherwise.
    public var needsCritic: Bool { true }

    /// Responses go their own ways unless told otherwise.
    public var keepsGroups: Bool { false }
}

/// Advantages, and what values should have been, a token each.
public struct AdvantageEstimate: Sendable, Equatable {
    /// Advantages, not whitened.
    public var advantages: [Double]
    /// Advantages before whitening plus values: the target of the critic. Empty without one.
    public var returns: [Double]

    /// An estimate for one response.
    public init(advantages: [Double], returns: [Double] = []) {
        (self.advantages, self.returns) = (advantages, returns)
    }
}
