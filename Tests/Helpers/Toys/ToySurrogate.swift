import Objectives
import Torch

/// A surrogate that comes from outside the sources: the ratio times the advantage, which nothing cuts.
struct ToySurrogate: Surrogate {
    func callAsFunction(_ tokens: SurrogateTokens) -> SurrogateLosses {
        SurrogateLosses(-tokens.advantages * tokens.ratios)
    }
}
