/// How much more reward a response has than the others to its prompt, the same at all of its tokens; no critic is needed.
///
/// `(s - mean of the group) / (deviation + 1e-4)`, the deviation being the sample's (Bessel), as in GRPO (arXiv 2402.03300)
/// and TRL's `scale_rewards`.
package struct GroupAdvantage: AdvantageEstimator, Equatable {
    /// What advantages are divided by.
    package enum Scale: String, Sendable, CaseIterable {
        /// The deviation within the group.
        case group
        /// The deviation over the step.
        case batch
        /// 1, as Dr. GRPO has it (arXiv 2503.20783).
        case none
    }

    package var scale: Scale

    package init(scale: Scale = .group) { self.scale = scale }

    package var needsCritic: Bool { false }
    package var keepsGroups: Bool { true }

    package func callAsFunction(_ responses: RewardedResponses) throws -> [AdvantageEstimate] {
        let totals = responses.totals
        let groups = responses.groupMoments(of: totals)
        let step = scale == .batch ? try responses.moments(of: totals) : Moments()
        return responses.spread(
            zip(totals, groups).map { total, group in
                let centred = total - group.mean
                return switch scale {
                case .group: centred / (group.sampleDeviation + 1e-4)
                case .batch: centred / (step.sampleDeviation + 1e-4)
                case .none: centred
                }
            })
    }
}

/// How much more reward a response has than the mean of the *others* to its prompt (RLOO, arXiv 2402.14740).
package struct LeaveOneOut: AdvantageEstimator, Equatable {
    /// Whether advantages get mean 0 and deviation 1 over the step (TRL's `normalize_advantages`).
    package var normalizes: Bool

    package init(normalizes: Bool = false) { self.normalizes = normalizes }

    package var needsCritic: Bool { false }
    package var keepsGroups: Bool { true }

    package func callAsFunction(_ responses: RewardedResponses) throws -> [AdvantageEstimate] {
        let totals = responses.totals
        var advantages = zip(totals, responses.groupMoments(of: totals)).map { total, group in
            // A response alone has nobody to be compared with.
            group.count > 1 ? total - (group.sum - total) / (group.count - 1) : 0
        }
        if normalizes {
            let step = try responses.moments(of: advantages)
            advantages = advantages.map { ($0 - step.mean) / (step.sampleDeviation + 1e-4) }
        }
        return responses.spread(advantages)
    }
}

/// The discounted rewards from a token on, without a baseline: REINFORCE++'s (arXiv 2501.03262), to be whitened over the step.
package struct RewardToGo: AdvantageEstimator, Equatable {
    /// Discount a token, γ.
    package var discount: Double

    package init(discount: Double = 1) { self.discount = discount }

    package var needsCritic: Bool { false }

    package func callAsFunction(_ responses: RewardedResponses) -> [AdvantageEstimate] {
        responses.rewards.map { rewards in
            var (returns, following) = (rewards, 0.0)
            for t in rewards.indices.reversed() {
                following = rewards[t] + discount * following
                returns[t] = following
            }
            return AdvantageEstimate(advantages: returns)
        }
    }
}
