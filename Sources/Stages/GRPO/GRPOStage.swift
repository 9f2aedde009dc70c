import Configuration
import Objectives
import Runs
import Training

/// Group relative policy optimization (arXiv 2402.03300) and its relatives, by TRL's keys: advantages against the other
/// responses to the same prompt, no critic, and the divergence from a reference in the loss.
package typealias GRPOStage = PolicyGradientStage<GRPORecipe>

package enum GRPORecipe: PolicyGradientRecipe {
    package static let type = "grpo"
    package static let keyMetrics = [
        "reward", "reward_std", "clip_ratio/region_mean", "completions/mean_length", "entropy",
    ]

    package static let options: PolicyGradientOptions = {
        var options = PolicyGradientOptions()
        options.rollouts.nSamplesPerPrompt = 8
        options.rollouts.numPPOEpochs = 1
        options.sampling.temperature = 1
        options.shaping.advantageChoice = .group
        options.shaping.whitenAdvantages = false
        options.shaping.klCoef = 0
        options.loss.behaviourWeights.cap = 3
        options.loss.weighsDivergence = true
        options.optimizer.learningRate = 1e-6
        return options
    }()

    package static let fields = Field<PolicyGradientOptions>.list {
        PolicyGradientOptions.inputFields(critic: false)
        PolicyGradientOptions.embed(\.rollouts, RolloutStepOptions.fields(.groups, fewestSamples: 2))
        PolicyGradientOptions.embed(\.sampling)
        PolicyGradientOptions.embed(\.shaping, RewardShapingOptions.groupFields)
        PolicyGradientOptions.embed(\.loss, PolicyLossOptions.groupFields)
        PolicyGradientOptions.embed(\.optimizer)
        PolicyGradientOptions.runFields
    }

    /// The loss that TRL's word stands for.
    package static let parts: PolicyGradientParts = {
        var parts = PolicyGradientParts.chosen.with(policyLoss: { options in
            var loss = options.loss
            loss.surrogate = loss.groupLoss.surrogate
            loss.aggregation = loss.groupLoss.aggregation(responseLength: options.sampling.responseLength)
            return loss.policyLoss
        })
        parts.metricNames = PolicyGradientParts.groupMetricNames
        return parts
    }()

    package static func needsReference(_ options: PolicyGradientOptions) -> Bool { options.loss.beta > 0 }

    package static func resolve(_ options: inout PolicyGradientOptions, in scope: StageScope) throws {
        try checkSurrogate(options.loss.groupLoss, among: \.surrogate, options, scope)
        if options.loss.beta == 0, options.changes("use_bias_correction_kl", of: Self.self) {
            throw scope.error(
                "use_bias_correction_kl", "has no meaning where beta is 0", "give beta, such as 0.04, or leave it out")
        }
    }
}
