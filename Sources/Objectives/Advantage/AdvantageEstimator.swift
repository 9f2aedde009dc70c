/// From rewards a token to advantages a token: how much better a token was than what was expected.
public protocol AdvantageEstimator: Sendable {
    /// Whether it reads a critic's values; without one, no critic is made, saved or planned.
    var needsCritic: Bool { get }
    /// Whether it compares the responses to one prompt, which then stay together on their way to a learner.
    var keepsGroups: Bool { get }

    /// The estimates for the responses of a step that a learner has.
    func callAsFunction(_ responses: RewardedResponses) throws -> [AdvantageEstimate]
}

extension AdvantageEstimator {
    /// A critic is read unless told otherwise.
    public var needsCritic: Bool { true }

    /// Responses go their own ways unless told otherwise.
    public var keepsGroups: Bool { false }
}

/// A learner's share of the responses of a step, with what they were rewarded with.
public struct RewardedResponses {
    /// Rewards a token of each response.
    public let rewards: [[Double]]
    /// The critic's values at the same tokens; empty lists without a critic.
    public let values: [[Double]]
    /// For each response which prompt it answers, by any number; of a group that is kept together, all are here.
    public let groups: [Int]
    /// Whether each response is left out of what is taken over the step.
    private let isLeftOut: [Bool]?
    private let reduce: (Moments) throws -> Moments

    /// - Parameters:
    ///   - isLeftOut: Whether each response is left out of what is taken over the step; `nil` for none.
    ///   - reduce: From the moments of some numbers of each learner to those of all; every learner calls it alike.
    public init(
        rewards: [[Double]], values: [[Double]], groups: [Int], isLeftOut: [Bool]? = nil,
        reduce: @escaping (Moments) throws -> Moments = { $0 }
    ) {
        (self.rewards, self.values, self.groups, self.reduce) = (rewards, values, groups, reduce)
        self.isLeftOut = isLeftOut
    }

    /// The sum of each response's rewards.
    public var totals: [Double] { rewards.map { $0.reduce(0, +) } }

    /// Mean and variance over the step of numbers of which each response has one.
    public func moments(of numbers: [Double]) throws -> Moments {
        guard let isLeftOut else { return try reduce(Moments(numbers)) }
        return try reduce(Moments(zip(numbers, isLeftOut).lazy.filter { !$0.1 }.map(\.0)))
    }

    /// The same advantage at all tokens of a response.
    public func spread(_ advantages: [Double]) -> [AdvantageEstimate] {
        zip(rewards, advantages).map { rewards, advantage in
            AdvantageEstimate(advantages: rewards.map { _ in advantage })
        }
    }

    /// For each response the moments of the numbers of its group.
    public func groupMoments(of numbers: [Double]) -> [Moments] {
        let moments = byGroup(numbers)
        return groups.map { moments[$0, default: Moments()] }
    }

    /// The moments of the numbers of each group, once.
    public func moments(ofGroups numbers: [Double]) -> [Moments] {
        byGroup(numbers).sorted { $0.key < $1.key }.map(\.value)
    }

    private func byGroup(_ numbers: [Double]) -> [Int: Moments] {
        zip(groups, numbers).reduce(into: [:]) { $0[$1.0, default: Moments()].add($1.1) }
    }
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
