/// From a response's score to rewards a token.
public protocol TokenReward: Sendable {
    /// The score as it counts, after clipping and penalties.
    func finalScore(_ score: Double, endsWithEOS: Bool) -> Double

    /// Rewards a token of one response of at least one token.
    ///
    /// - Parameters:
    ///   - score: what the reward model or rule gave, neither clipped nor penalised.
    ///   - endsWithEOS: whether the response ended by itself.
    ///   - logps: log-probabilities of its tokens under the policy that is being improved, before any update on them.
    ///   - referenceLogps: those under the reference.
    ///   - coefficient: the coefficient of the KL penalty.
    func rewards(
        score: Double, endsWithEOS: Bool, logps: [Double], referenceLogps: [Double], coefficient: Double
    ) -> [Double]
}
