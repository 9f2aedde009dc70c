import Torch

/// `(log π - log π_init - c A)²`: the policy is led to the one whose log-ratio to the reference is the advantage's c-fold (APA,
/// arXiv 2306.02231; `microsoft/RLHF-APA`).
package struct SquaredAdvantage: Surrogate, Equatable {
    /// c, one over the strength of the tie to the reference.
    package var coefficient: Double

    package init(coefficient: Double = 10) { self.coefficient = coefficient }

    package var needsReference: Bool { true }

    package func callAsFunction(_ tokens: SurrogateTokens) -> SurrogateLosses {
        guard let reference = tokens.referenceLogps else { preconditionFailure("APA without a reference") }
        return SurrogateLosses((tokens.logps - tokens.advantages * coefficient - reference).square())
    }
}

/// `-log π e^{c A}`: likelihood weighted by the advantage (AWR, arXiv 1910.00177; the other loss of `microsoft/RLHF-APA`).
package struct ExponentialAdvantage: Surrogate, Equatable {
    /// c.
    package var coefficient: Double

    package init(coefficient: Double = 0.5) { self.coefficient = coefficient }

    package func callAsFunction(_ tokens: SurrogateTokens) -> SurrogateLosses {
        SurrogateLosses(-(tokens.logps * (tokens.advantages * coefficient).exp()))
    }
}
