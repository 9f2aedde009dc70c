import Configuration
import Objectives
import Runs
import Training

/// Proximal Policy Optimization (arXiv 1707.06347), with a penalty a token in the reward and, unless advantages need none, a
/// critic.
package typealias PPOStage = PolicyGradientStage<PPORecipe>

package enum PPORecipe: PolicyGradientRecipe {
    package static let type = "ppo"
    package static let keyMetrics = [
        "objective/scores", "objective/kl", "policy/clipfrac_avg", "completions/mean_length", "loss/value_avg",
    ]
    package static let options = PolicyGradientOptions()
    package static let keys = RolloutStepOptions.Keys()

    package static let fields = Field<PolicyGradientOptions>.list {
        PolicyGradientOptions.inputFields(critic: true)
        PolicyGradientOptions.embed(\.rollouts)
        PolicyGradientOptions.embed(\.sampling)
        PolicyGradientOptions.embed(\.shaping)
        PolicyGradientOptions.embed(\.loss)
        PolicyGradientOptions.embed(\.optimizer)
        PolicyGradientOptions.criticRate
        PolicyGradientOptions.runFields
    }

    /// Always: its metrics tell the divergence from it.
    package static func needsReference(_ options: PolicyGradientOptions) -> Bool { true }

    package static func resolve(_ options: inout PolicyGradientOptions, in scope: StageScope) throws {
        try checkSurrogate(options.loss.surrogate, among: \.self, options, scope)
        let shaping = options.shaping
        if shaping.klCoef == 0,
            let key = ["token_reward", "pm_rlhf.alpha", "kl_estimator"].first(where: {
                options.changes($0, of: Self.self)
            })
        {
            throw scope.error(key, "has no meaning where kl_coef is 0", "leave it out, or give kl_coef, such as 0.05")
        }
        if options.changes("pm_rlhf.alpha", of: Self.self), shaping.tokenRewardChoice != .preferenceMatching {
            throw scope.error(
                "pm_rlhf.alpha", "has no meaning for token_reward \(shaping.tokenRewardChoice.rawValue)",
                "leave it out, or use token_reward: preference_matching")
        }
        if options.changes("kl_estimator", of: Self.self), shaping.tokenRewardChoice != .kl {
            throw scope.error(
                "kl_estimator", "has no meaning for token_reward \(shaping.tokenRewardChoice.rawValue)",
                "leave it out, or use token_reward: kl")
        }
    }
}
