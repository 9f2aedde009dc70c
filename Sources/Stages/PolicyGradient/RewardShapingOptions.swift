import Configuration
import Objectives
import Runs
import Training

/// From scores to advantages: clipping, a penalty a token, whitening, and how advantages are estimated.
package struct RewardShapingOptions: Sendable, Equatable {
    /// Taken off the score of a response without its end.
    package var missingEOSPenalty: Double?
    /// Scores are clipped to plus and minus this; `nil` for no clipping.
    package var rewardClip: Double?
    /// What scores are divided by before they are clipped.
    package var scaleReward = RewardScale.none
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
    /// What the penalty is of.
    package var tokenRewardChoice = TokenRewardChoice.kl
    /// How likely the reference must find a token for its own probability to be the penalty.
    package var matchingThreshold = 0.3
    /// How advantages are estimated.
    package var advantageChoice = AdvantageChoice.gae
    /// What advantages within a group are divided by.
    package var scaleRewards = GroupAdvantage.Scale.group
    /// Whether leave-one-out advantages get mean 0 and deviation 1 over the step.
    package var normalizeAdvantages = false

    /// The defaults.
    package init() {}

    /// Checks that the weight of the KL penalty can adapt and stays above 0 on the way.
    ///
    /// A step multiplies it by `1 + e responses / horizon` with `e` at least -0.2 (see ``Objectives/KLController``).
    package func check(_ scope: StageScope, responses: Int) throws {
        guard klTarget != nil else {
            guard klHorizon == Self().klHorizon else {
                throw scope.error(
                    "kl_horizon", "has no meaning without kl_target", "give kl_target, such as 6.0, or leave it out")
            }
            return
        }
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

extension RewardShapingOptions {
    /// From a response's score to rewards a token.
    package var tokenReward: any TokenReward {
        let score = ScoreShaping(clip: rewardClip, missingEOSPenalty: missingEOSPenalty ?? 0)
        return switch tokenRewardChoice {
        case .kl: KLPenalizedReward(estimator: klEstimator.estimator, score: score)
        case .preferenceMatching: PreferenceMatchingReward(threshold: matchingThreshold, score: score)
        }
    }

    /// From rewards a token to advantages.
    package var advantage: any AdvantageEstimator {
        switch advantageChoice {
        case .gae: GeneralizedAdvantage(discount: gamma, lambda: lam)
        case .reinforce: RewardToGo(discount: gamma)
        case .group: GroupAdvantage(scale: scaleRewards)
        case .leaveOneOut: LeaveOneOut(normalizes: normalizeAdvantages)
        }
    }
}

/// What a token is taken off its reward for.
package enum TokenRewardChoice: String, Sendable, ConfigurationWord {
    /// Its divergence from the reference.
    case kl
    /// PM-RLHF's conditional preference matching.
    case preferenceMatching = "preference_matching"
}

/// What scores are divided by.
package enum RewardScale: String, Sendable, ConfigurationWord {
    /// Nothing.
    case none
    /// The deviation of all scores so far.
    case running
}

/// Estimators of advantages.
package enum AdvantageChoice: String, Sendable, ConfigurationWord {
    /// By a critic.
    case gae
    /// The rewards that follow, without a baseline.
    case reinforce
    /// Against the mean of the responses to one prompt.
    case group
    /// Against the mean of the others of them.
    case leaveOneOut = "leave_one_out"
}

extension GroupAdvantage.Scale: ConfigurationWord {}

extension RewardShapingOptions: KeyedOptions {
    /// PPO's keys.
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
        Field(
            "scale_reward", \.scaleReward,
            "What scores are divided by, before they are clipped: running, the deviation of all of the stage so far; or none."
        )
        Field("reward_clip", \.rewardClip, .greaterThan(0), "Scores are clipped to plus and minus this.")
        Field("whiten_rewards", \.whitenRewards, "Whether rewards are scaled to variance 1, keeping their mean.")
        Field("whiten_advantages", \.whitenAdvantages, "Whether advantages get mean 0 and variance 1 over the batch.")
        Field(
            "token_reward", \.tokenRewardChoice,
            "What kl_coef weighs: kl, the divergence from the reference, or preference_matching, PM-RLHF's, which is the "
                + "log-probability itself where the reference finds a token likely.")
        Field(
            "pm_rlhf.alpha", \.matchingThreshold, .between(0, 1),
            "How likely that is: 1 is the plain divergence, near 0 an entropy bonus.")
        Field(
            "advantage", \.advantageChoice, among: [.gae, .reinforce],
            "How advantages are estimated: gae by a critic, reinforce by the rewards that follow (REINFORCE++), without one."
        )
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

    /// The same estimator in the words of the layer that computes it.
    fileprivate var estimator: KLEstimator {
        switch self {
        case .k1: .k1
        case .k3: .k3
        case .k1Clamped: .clampedK1
        }
    }
}

extension RewardShapingOptions {
    /// What becomes of scores, whatever the algorithm.
    package static let scoreFields = Field<Self>.list {
        fields.filter { ["missing_eos_penalty", "reward_clip"].contains($0.key) }
    }

    /// GRPO's keys.
    package static let groupFields = Field<Self>.list {
        Field(
            "scale_rewards", \.scaleRewards,
            "What advantages are divided by: the deviation of the group's rewards, of the batch's, or none.")
        scoreFields
    }

    /// RLOO's keys.
    package static let leaveOneOutFields = Field<Self>.list {
        Field("beta", \.klCoef, .atLeast(0), "Weight of the KL penalty in the reward; 0 reads no reference.")
        Field(
            "normalize_advantages", \.normalizeAdvantages,
            "Whether advantages get mean 0 and deviation 1 over the batch.")
        scoreFields
    }
}
