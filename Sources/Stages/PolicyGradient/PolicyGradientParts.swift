import Objectives
import Training

/// What a policy gradient is made of: each part as the options of a stage ask for it.
package struct PolicyGradientParts: Sendable {
    /// From a response's score to rewards a token.
    package var tokenReward: @Sendable (PolicyGradientOptions) -> any TokenReward
    /// From rewards a token to advantages.
    package var advantage: @Sendable (PolicyGradientOptions) -> any AdvantageEstimator
    /// The policy's loss: a surrogate of a ratio, and how tokens make one number.
    package var policyLoss: @Sendable (PolicyGradientOptions) -> PolicyLoss
    /// What metrics are called, where the stage's users know them by another name than PPO's.
    package var metricNames: [String: String] = [:]

    package init(
        tokenReward: @escaping @Sendable (PolicyGradientOptions) -> any TokenReward,
        advantage: @escaping @Sendable (PolicyGradientOptions) -> any AdvantageEstimator,
        policyLoss: @escaping @Sendable (PolicyGradientOptions) -> PolicyLoss
    ) {
        (self.tokenReward, self.advantage, self.policyLoss) = (tokenReward, advantage, policyLoss)
    }

    /// The same with other rewards a token.
    package func with(
        tokenReward: @escaping @Sendable (PolicyGradientOptions) -> any TokenReward
    ) -> PolicyGradientParts {
        var parts = self
        parts.tokenReward = tokenReward
        return parts
    }

    /// The same with other advantages.
    package func with(
        advantage: @escaping @Sendable (PolicyGradientOptions) -> any AdvantageEstimator
    ) -> PolicyGradientParts {
        var parts = self
        parts.advantage = advantage
        return parts
    }

    /// The same with another loss.
    package func with(
        policyLoss: @escaping @Sendable (PolicyGradientOptions) -> PolicyLoss
    ) -> PolicyGradientParts {
        var parts = self
        parts.policyLoss = policyLoss
        return parts
    }

    /// TRL's names in GRPO and RLOO.
    package static let groupMetricNames = [
        "objective/scores": "reward", "loss/policy_avg": "loss", "policy/entropy_avg": "entropy",
        "policy/clipfrac_avg": "clip_ratio/region_mean", "lr": "learning_rate",
    ]

    /// The parts as options choose them by name.
    package static let chosen = PolicyGradientParts(
        tokenReward: \.shaping.tokenReward, advantage: \.shaping.advantage, policyLoss: \.loss.policyLoss)
}
