import Configuration
import Objectives
import Runs
import Training

/// The losses of policy and critic.
package struct PolicyLossOptions: Sendable, Equatable {
    /// What a token counts by its ratio and its advantage.
    package var surrogate = SurrogateChoice.clip
    /// TRL's word for that and the aggregation together, in GRPO.
    package var groupLoss = GroupLossChoice.dapo
    /// How far the ratio of new to old probability may fall below 1.
    package var cliprange = 0.2
    /// How far it may rise above 1; `nil` for as far.
    package var cliprangeHigh: Double?
    /// The largest ratio whatever the advantage; `nil` for none.
    package var delta: Double?
    /// The temperatures of SAPO's gate for tokens with a positive advantage, and for others.
    package var gate = SoftGate()
    /// c of APA.
    package var squaredAdvantage = SquaredAdvantage()
    /// c of AWR.
    package var exponentialAdvantage = ExponentialAdvantage()
    /// What a ratio is of.
    package var ratioLevel = RatioLevel.token
    /// How tokens make one number.
    package var aggregation = LossAggregation.tokens
    /// The weight of the divergence from the reference in the loss.
    package var beta = 0.0
    /// Whether that divergence is multiplied by the ratio.
    package var weighsDivergence = false
    /// Whether the tokens of responses without an end count nothing.
    package var masksTruncated = false
    /// The weights of tokens that an older policy drew.
    package var behaviourWeights = BehaviourWeights()
    /// How far log-probabilities of drawn tokens may be from the learner's on average; `nil` for any distance.
    package var maxSamplingLogpDifference: Double?
    /// How far new values may move from old ones.
    package var cliprangeValue = 0.2
    /// The weight of the value loss.
    package var vfCoef = 0.1
    /// The approximate KL divergence at which a step's remaining updates are left out; `nil` for no such bound.
    package var maxApproxKL: Double?

    /// The defaults.
    package init() {}

    /// The loss of the policy.
    package var policyLoss: PolicyLoss {
        let surrogate: any Surrogate =
            switch surrogate {
            case .clip: Clip(low: cliprange, high: cliprangeHigh, delta: delta)
            case .cispo: TruncatedWeight(cap: cliprangeHigh ?? 5)
            case .sapo: gate
            case .apa: squaredAdvantage
            case .awr: exponentialAdvantage
            }
        return PolicyLoss(
            surrogate, ratioLevel: ratioLevel, aggregation: aggregation, klCoefficient: beta,
            weighsDivergence: weighsDivergence)
    }
}

/// Surrogates by name.
package enum SurrogateChoice: String, Sendable, ConfigurationWord {
    case clip, cispo, sapo, apa, awr
}

extension RatioLevel: ConfigurationWord {}
extension BehaviourWeights.Mode: ConfigurationWord {}

/// Losses of GRPO by TRL's names.
package enum GroupLossChoice: String, Sendable, ConfigurationWord {
    case grpo, bnpo
    case drGRPO = "dr_grpo"
    case dapo, cispo, sapo

    /// What a token counts.
    package var surrogate: SurrogateChoice {
        switch self {
        case .grpo, .bnpo, .drGRPO, .dapo: .clip
        case .cispo: .cispo
        case .sapo: .sapo
        }
    }

    /// How tokens make one number.
    ///
    /// - Parameter length: Most tokens of a response.
    package func aggregation(responseLength length: Int) -> LossAggregation {
        switch self {
        case .grpo, .sapo: .responses
        case .bnpo, .dapo, .cispo: .tokens
        case .drGRPO: .constant(length)
        }
    }
}

extension PolicyLossOptions: KeyedOptions {
    /// PPO's keys.
    package static let fields = Field<Self>.list {
        Field(
            "loss_type", \.surrogate,
            "What a token counts: clip, the clipped ratio; cispo, a truncated weight without gradient; sapo, a soft gate; apa, "
                + "the squared distance to the policy that the advantage asks for; awr, likelihood weighted by it.")
        Field("cliprange", \.cliprange, .greaterThan(0), "How far from 1 the ratio of new to old probability counts.")
        Field(
            "cliprange_high", \.cliprangeHigh, .greaterThan(0),
            "How far above 1 it counts, or the largest weight of cispo; null for cliprange, and 5 in cispo.")
        Field(
            "importance_sampling_level", \.ratioLevel, among: [.token, .sequence],
            "What the ratio is of: a token, or a response to the power of one over its tokens (GSPO).")
        gateFields
        Field("apa.coef", \.squaredAdvantage.coefficient, .greaterThan(0), "One over the strength of the tie in apa.")
        Field("awr.coef", \.exponentialAdvantage.coefficient, .greaterThan(0), "What awr multiplies advantages by.")
        weightFields
        Field("cliprange_value", \.cliprangeValue, .greaterThan(0), "How far new values may move from old ones.")
        Field("vf_coef", \.vfCoef, .atLeast(0), "Weight of the value loss.")
        Field(
            "max_approx_kl", \.maxApproxKL, .greaterThan(0),
            "Approximate KL divergence from the old policy at which the rest of a step's updates is left out.")
    }

    /// GRPO's keys.
    package static let groupFields = Field<Self>.list {
        Field(
            "loss_type", \.groupLoss,
            "How losses of tokens are made and added up: grpo means over responses, bnpo and dapo over the step's tokens, "
                + "dr_grpo a sum over responses times response_length; cispo and sapo have a ratio of their own.")
        Field(
            "beta", \.beta, .atLeast(0),
            "Weight of the divergence from the reference in the loss; 0 reads no reference.")
        Field(
            "use_bias_correction_kl", \.weighsDivergence,
            "Whether that divergence is multiplied by the ratio, which makes its gradient unbiased.")
        epsilonFields
        Field("delta", \.delta, .greaterThan(1), "The largest ratio, whatever the advantage; null for none.")
        Field(
            "importance_sampling_level", \.ratioLevel, among: [.token, .sequence],
            "What the ratio is of: a token, or a response to the power of one over its tokens (GSPO).")
        gateFields
        truncationField
        weightFields
    }

    /// RLOO's keys.
    package static let leaveOneOutFields = Field<Self>.list {
        epsilonFields
        truncationField
        weightFields
    }

    private static let epsilonFields = Field<Self>.list {
        Field("epsilon", \.cliprange, .greaterThan(0), "How far from 1 the ratio of new to old probability counts.")
        Field(
            "epsilon_high", \.cliprangeHigh, .greaterThan(0),
            "How far above 1 it counts, or the largest weight of cispo; null for epsilon, and 5 in cispo.")
    }

    private static let gateFields = Field<Self>.list {
        Field(
            "sapo_temperature_pos", \.gate.positive, .greaterThan(0),
            "Temperature of sapo's gate for tokens with a positive advantage.")
        Field("sapo_temperature_neg", \.gate.negative, .greaterThan(0), "The same for others.")
    }

    private static let weightFields = Field<Self>.list {
        Field(
            "importance_sampling_mode", \.behaviourWeights.mode,
            "What tokens of an older policy are weighed by where max_staleness is 1: their own ratio or their response's, "
                + "truncated at the cap or left out above it.")
        Field("importance_sampling_cap", \.behaviourWeights.cap, .greaterThan(0), "That cap.")
        Field(
            "max_sampling_logp_difference", \.maxSamplingLogpDifference, .greaterThan(0), effect: .watching,
            "Mean distance of the log-probabilities of a step's tokens as they were drawn from those that the learner computes "
                + "(sampling/sampling_logp_difference/mean) above which the run ends; null for none.")
    }

    private static let truncationField = Field<Self>(
        "mask_truncated_completions", \.masksTruncated,
        "Whether the tokens of responses without an end count nothing in the loss.")
}
