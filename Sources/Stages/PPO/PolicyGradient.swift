import Objectives
import Runs
import Training

/// What a policy gradient is made of: each part as the options of a stage ask for it.
package struct PolicyGradient: Sendable {
    /// From a response's score to rewards a token.
    package var tokenReward: @Sendable (PPOOptions) -> any TokenReward
    /// From rewards a token to advantages.
    package var advantage: @Sendable (PPOOptions) -> any AdvantageEstimator
    /// The policy's loss.
    package var policyLoss: @Sendable (PPOOptions) -> any PolicyLoss

    /// PPO's parts: the KL penalty in the reward, advantages by a critic, the clipped ratio.
    package static let ppo = PolicyGradient(
        tokenReward: {
            KLPenalizedReward(
                estimator: $0.shaping.klEstimator.estimator, rewardClip: $0.shaping.rewardClip,
                missingEOSPenalty: $0.shaping.missingEOSPenalty ?? 0)
        },
        advantage: { GeneralizedAdvantage(discount: $0.shaping.gamma, lambda: $0.shaping.lam) },
        policyLoss: { ClippedPolicyLoss(clipRange: $0.loss.cliprange) })

    package init(
        tokenReward: @escaping @Sendable (PPOOptions) -> any TokenReward,
        advantage: @escaping @Sendable (PPOOptions) -> any AdvantageEstimator,
        policyLoss: @escaping @Sendable (PPOOptions) -> any PolicyLoss
    ) {
        (self.tokenReward, self.advantage, self.policyLoss) = (tokenReward, advantage, policyLoss)
    }

    /// The same with other advantages.
    package func with(advantage: @escaping @Sendable (PPOOptions) -> any AdvantageEstimator) -> PolicyGradient {
        PolicyGradient(tokenReward: tokenReward, advantage: advantage, policyLoss: policyLoss)
    }
}

extension KLEstimatorChoice {
    /// The same estimator in the words of the layer that computes it.
    fileprivate var estimator: KLEstimator {
        switch self {
        case .k1: .k1
        case .k3: .k3
        case .k1Clamped: .clampedK1
        }
    }
}
