/// Generalised advantage estimation (Schulman et al. 2016) over the tokens of a response.
///
/// `A_t = sum_k (γ λ)^k δ_(t+k)` with `δ_t = r_t + γ V_(t+1) - V_t`; after the last token the value is 0, for a
/// response ends its episode.
public struct GeneralizedAdvantage: AdvantageEstimator, Equatable {
    /// Discount a token, γ.
    public var discount: Double
    /// Decay of the estimator, λ: 0 trusts the values, 1 the rewards.
    public var lambda: Double

    /// An estimator with TRL's defaults.
    public init(discount: Double = 1, lambda: Double = 0.95) {
        self.discount = discount
        self.lambda = lambda
    }

    /// The estimates, of each response by itself.
    public func callAsFunction(_ responses: RewardedResponses) -> [AdvantageEstimate] {
        zip(responses.rewards, responses.values).map { self(rewards: $0, values: $1) }
    }

    /// The estimate for one response from its rewards and values a token.
    public func callAsFunction(rewards: [Double], values: [Double]) -> AdvantageEstimate {
        precondition(rewards.count == values.count, "\(rewards.count) rewards for \(values.count) values")
        var advantages = [Double](repeating: 0, count: rewards.count)
        var following = 0.0
        for t in rewards.indices.reversed() {
            let next = t + 1 < values.count ? values[t + 1] : 0
            following = rewards[t] + discount * next - values[t] + discount * lambda * following
            advantages[t] = following
        }
        return AdvantageEstimate(advantages: advantages, returns: zip(advantages, values).map(+))
    }
}
