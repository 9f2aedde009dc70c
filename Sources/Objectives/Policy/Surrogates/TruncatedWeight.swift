import Torch

/// `-sg[min(ρ, ε)] A log π`: the ratio is a weight without gradient, so that no token is lost (CISPO, arXiv 2506.13585; the
/// bound is ε itself, as in TRL).
package struct TruncatedWeight: Surrogate, Equatable {
    /// The largest weight, ε.
    package var cap: Double

    package init(cap: Double = 5) {
        precondition(cap > 0, "a largest weight of \(cap)")
        self.cap = cap
    }

    package func callAsFunction(_ tokens: SurrogateTokens) -> SurrogateLosses {
        let ratios = tokens.ratios.detached()
        let weights = ratios.minimum(.full(cap, ratios.shape, ratios.placement))
        return SurrogateLosses(-(weights * tokens.advantages) * tokens.logps)
    }
}
