import Torch

/// `max(-A ρ, -A clamp(ρ, 1 - ε_low, 1 + ε_high))`: PPO's (Schulman et al. 2017), with DAPO's larger bound above (arXiv
/// 2503.14476) and, where ``delta`` is set, a last bound on the ratio of tokens that were bad (arXiv 2505.07291).
package struct Clip: Surrogate, Equatable {
    /// How far a ratio may fall below 1 before it gives no more gradient.
    package var low: Double
    /// How far it may rise above 1.
    package var high: Double
    /// The largest ratio that is not cut, whatever the advantage; `nil` for no such bound.
    package var delta: Double?

    package init(low: Double = 0.2, high: Double? = nil, delta: Double? = nil) {
        precondition(low > 0 && (high ?? low) > 0, "clip range \(low), \(high ?? low)")
        (self.low, self.high, self.delta) = (low, high ?? low, delta)
    }

    package func callAsFunction(_ tokens: SurrogateTokens) -> SurrogateLosses {
        let negatives = -tokens.advantages
        let ratios = tokens.ratios
        let bounded = delta.map { ratios.minimum(.full($0, ratios.shape, ratios.placement)) } ?? ratios
        let unclipped = negatives * bounded
        let clipped = negatives * ratios.clamped(1 - low, 1 + high)
        return SurrogateLosses(unclipped.maximum(clipped), clipped: clipped.isGreater(than: unclipped))
    }
}
