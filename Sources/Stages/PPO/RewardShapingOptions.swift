import Configuration
import Runs
import Training

/// From scores to advantages: clipping, KL penalty, whitening and GAE.
package struct RewardShapingOptions: Sendable, Equatable {
    /// Taken off the score of a response without its end.
    package var missingEOSPenalty: Double?
    /// Scores are clipped to plus and minus this; `nil` for no clipping.
    package var rewardClip: Double?
    /// Whether rewards are scaled to unit variance, keeping their mean.
    package var whitenRewards = false
    /// Whether advantages are shifted and scaled to mean 0 and variance 1.
    package var whitenAdvantages = true
    /// The weight of the KL penalty; where it starts, if it adapts.
    package var klCoef = 0.05
    /// How each token's KL divergence is estimated.
    package var klEstimator: KLEstimatorChoice = .k1
    /// The KL divergence of a response that the weight adapts to; `nil` for a fixed weight.
    package var klTarget: Double?
    /// The responses over which it adapts.
    package var klHorizon = 10_000
    /// The discount of a token.
    package var gamma = 1.0
    /// The lambda of GAE.
    package var lam = 0.95

    /// The defaults.
    package init() {}

    /// Checks that the weight of the KL penalty can adapt and stays above 0 on the way.
    ///
    /// A step multiplies it by `1 + e responses / horizon` with `e` at least -0.2 (see ``Objectives/KLController``).
    package func check(_ scope: StageScope, responses: Int) throws {
        guard klTarget != nil else { return }
        guard klCoef > 0 else {
            throw scope.error(
                "kl_coef", "0 stays 0 whatever kl_target",
                "write a weight to start from, such as 0.05, or kl_target: null")
        }
        guard klHorizon > responses / 5 else {
            throw scope.error(
                "kl_horizon",
                "\(klHorizon) is too short for the \(responses) responses of a step: at or below responses / 5 a step below "
                    + "kl_target would turn kl_coef to 0 or negative",
                "write at least \(responses / 5 + 1), better some hundred steps' responses, or a smaller rollout_batch_size"
            )
        }
    }
}

extension RewardShapingOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "kl_coef", \.klCoef, .atLeast(0), "Weight of the KL penalty in the reward; where it starts, if it adapts.")
        Field(
            "kl_estimator", \.klEstimator,
            "Estimate of a token's KL divergence: k1 the log-ratio, k3 never negative, k1_clamped k1 from 0 up.")
        Field(
            "kl_target", \.klTarget, .greaterThan(0),
            "KL divergence a response that kl_coef adapts to, such as 6.0; null for a fixed kl_coef.")
        Field(
            "kl_horizon", \.klHorizon, .atLeast(1),
            "Responses over which kl_coef adapts; more than a fifth of those of a step.")
        Field(
            "missing_eos_penalty", \.missingEOSPenalty, .atLeast(0),
            "Taken off the score of a response without its end.")
        Field("reward_clip", \.rewardClip, .greaterThan(0), "Scores are clipped to plus and minus this.")
        Field("whiten_rewards", \.whitenRewards, "Whether rewards are scaled to variance 1, keeping their mean.")
        Field("whiten_advantages", \.whitenAdvantages, "Whether advantages get mean 0 and variance 1 over the batch.")
        Field("gamma", \.gamma, .between(0, 1), "Discount of a token.")
        Field("lam", \.lam, .between(0, 1), "Lambda of generalised advantage estimation.")
    }
}

/// Estimators of a token's KL divergence from a log-ratio.
package enum KLEstimatorChoice: String, Sendable, ConfigurationWord {
    /// The log-ratio.
    case k1
    /// `exp(-x) - 1 + x` for the log-ratio `x`.
    case k3
    /// The log-ratio, or 0 where it is negative.
    case k1Clamped = "k1_clamped"
}
