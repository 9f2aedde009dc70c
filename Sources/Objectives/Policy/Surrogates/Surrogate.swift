import Torch

/// What a response token counts in a policy's loss, by the policy's ratio on it and its advantage.
package protocol Surrogate: Sendable {
    /// Whether it reads log-probabilities under the reference.
    var needsReference: Bool { get }

    /// The losses, `[n]`.
    func callAsFunction(_ tokens: SurrogateTokens) -> SurrogateLosses
}

extension Surrogate {
    package var needsReference: Bool { false }
}

/// What a surrogate reads of `n` tokens.
package struct SurrogateTokens {
    /// Log-probabilities under the policy, with gradient.
    package let logps: Tensor
    /// Ratios to the policy that is improved, with gradient; of tokens, or of the responses that they are of.
    package let ratios: Tensor
    /// Advantages.
    package let advantages: Tensor
    /// Log-probabilities under the reference, where they are known.
    package let referenceLogps: Tensor?

    package init(logps: Tensor, ratios: Tensor, advantages: Tensor, referenceLogps: Tensor? = nil) {
        (self.logps, self.ratios, self.advantages) = (logps, ratios, advantages)
        self.referenceLogps = referenceLogps
    }
}

/// Losses of tokens, and of which the ratio is so far off that they have no gradient.
package struct SurrogateLosses {
    package let losses: Tensor
    /// True for such tokens; `nil` where there are none ever.
    package let clipped: Tensor?

    package init(_ losses: Tensor, clipped: Tensor? = nil) { (self.losses, self.clipped) = (losses, clipped) }
}
