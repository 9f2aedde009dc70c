import Configuration
import Objectives
import Runs
import Training

/// REINFORCE leave-one-out (arXiv 2402.14740), by TRL's keys: advantages against the mean of the other responses to the same
/// prompt, one ratio a response, and the divergence from a reference in the reward.
package typealias RLOOStage = PolicyGradientStage<RLOORecipe>

package enum RLOORecipe: PolicyGradientRecipe {
    package static let type = "rloo"
    package static let keyMetrics = [
        "reward", "objective/kl", "clip_ratio/region_mean", "completions/mean_length", "entropy",
    ]

    package static let options: PolicyGradientOptions = {
        var options = PolicyGradientOptions()
        options.rollouts.nSamplesPerPrompt = 2
        options.rollouts.numPPOEpochs = 1
        options.sampling.temperature = 1
        options.shaping.advantageChoice = .leaveOneOut
        options.shaping.whitenAdvantages = false
        options.loss.ratioLevel = .response
        options.loss.aggregation = .responses
        options.loss.behaviourWeights.cap = 3
        options.optimizer.learningRate = 1e-6
        return options
    }()

    package static let fields = Field<PolicyGradientOptions>.list {
        PolicyGradientOptions.inputFields(critic: false)
        PolicyGradientOptions.embed(\.rollouts, RolloutStepOptions.fields(.groups, fewestSamples: 2))
        PolicyGradientOptions.embed(\.sampling)
        PolicyGradientOptions.embed(\.shaping, RewardShapingOptions.leaveOneOutFields)
        PolicyGradientOptions.embed(\.loss, PolicyLossOptions.leaveOneOutFields)
        PolicyGradientOptions.embed(\.optimizer)
        PolicyGradientOptions.runFields
    }

    package static let parts: PolicyGradientParts = {
        var parts = PolicyGradientParts.chosen
        parts.metricNames = PolicyGradientParts.groupMetricNames
        return parts
    }()

    package static func needsReference(_ options: PolicyGradientOptions) -> Bool { options.shaping.klCoef > 0 }

    package static func resolve(_ options: inout PolicyGradientOptions, in scope: StageScope) throws {}
}
