import Torch

/// `-A σ(τ (ρ - 1)) 4 / τ` with τ by the advantage's sign: a gate that closes softly where PPO's clip cuts (SAPO, arXiv
/// 2511.20347).
package struct SoftGate: Surrogate, Equatable {
    /// τ where the advantage is positive.
    package var positive: Double
    /// τ where it is not.
    package var negative: Double

    package init(positive: Double = 1, negative: Double = 1.05) {
        precondition(positive > 0 && negative > 0, "temperatures \(positive), \(negative)")
        (self.positive, self.negative) = (positive, negative)
    }

    package func callAsFunction(_ tokens: SurrogateTokens) -> SurrogateLosses {
        let advantages = tokens.advantages
        let full = { Tensor.full($0, advantages.shape, advantages.placement) }
        let temperatures = advantages.isGreater(than: 0).select(full(positive), full(negative))
        let gates = (temperatures * (tokens.ratios - 1)).sigmoid() * 4 / temperatures
        return SurrogateLosses(-(gates * advantages))
    }
}
