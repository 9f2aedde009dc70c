import Configuration
import Runs
import Training

/// The clipped losses of PPO.
package struct PPOLossOptions: Sendable, Equatable {
    /// How far the ratio of new to old probability counts.
    package var cliprange = 0.2
    /// How far new values may move from old ones.
    package var cliprangeValue = 0.2
    /// The weight of the value loss.
    package var vfCoef = 0.1
    /// The approximate KL divergence at which a step's remaining updates are left out; `nil` for no such bound.
    package var maxApproxKL: Double?

    /// The defaults.
    package init() {}
}

extension PPOLossOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field("cliprange", \.cliprange, .greaterThan(0), "How far from 1 the ratio of new to old probability counts.")
        Field("cliprange_value", \.cliprangeValue, .greaterThan(0), "How far new values may move from old ones.")
        Field("vf_coef", \.vfCoef, .atLeast(0), "Weight of the value loss.")
        Field(
            "max_approx_kl", \.maxApproxKL, .greaterThan(0),
            "Approximate KL divergence from the old policy at which the rest of a step's updates is left out.")
    }
}
