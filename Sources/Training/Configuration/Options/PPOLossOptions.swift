import Configuration

/// The clipped losses of PPO.
public struct PPOLossOptions: Sendable, Equatable {
    /// How far the ratio of new to old probability counts.
    public var cliprange = 0.2
    /// How far new values may move from old ones.
    public var cliprangeValue = 0.2
    /// The weight of the value loss.
    public var vfCoef = 0.1
    /// The approximate KL divergence at which a step's remaining updates are left out; `nil` for no such bound.
    public var maxApproxKL: Double?

    /// The defaults.
    public init() {}
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
