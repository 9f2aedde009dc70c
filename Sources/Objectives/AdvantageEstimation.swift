/// Generalised advantage estimation (Schulman et al. 2016) over the tokens of a response.
///
/// `A_t = sum_k (γ λ)^k δ_(t+k)` with `δ_t = r_t + γ V_(t+1) - V_t`; after the last token the value is 0, for a
/// response ends its episode.
public struct AdvantageEstimation: Sendable, Equatable, Codable {
    /// Advantages, and what values should have been, a token each.
    public struct Estimate: Sendable, Equatable {
        /// Advantages, not whitened.
        public var advantages: [Double]
        /// Advantages before whitening plus values: the target of the critic.
        public var returns: [Double]
    }

    /// Discount a token, γ.
    public var discount: Double
    /// Decay of the estimator, λ: 0 trusts the values, 1 the rewards.
    public var lambda: Double

    /// An estimator with TRL's defaults.
    public init(discount: Double = 1, lambda: Double = 0.95) {
        self.discount = discount
        self.lambda = lambda
    }

    /// The estimate for one response from its rewards and values a token.
    public func callAsFunction(rewards: [Double], values: [Double]) -> Estimate {
        precondition(rewards.count == values.count, "\(rewards.count) rewards for \(values.count) values")
        var advantages = [Double](repeating: 0, count: rewards.count)
        var following = 0.0
        for t in rewards.indices.reversed() {
            let next = t + 1 < values.count ? values[t + 1] : 0
            following = rewards[t] + discount * next - values[t] + discount * lambda * following
            advantages[t] = following
        }
        return Estimate(advantages: advantages, returns: zip(advantages, values).map(+))
    }
}
