/// The KL penalty on every token, the score on the last real one.
///
/// The sum of a response's rewards is its final score minus the coefficient times the sum of its KL estimates.
public struct KLPenalizedReward: TokenReward, Equatable {
    /// What the penalty is made of.
    public var estimator: KLEstimator
    /// Clipping, and the penalty for a missing end.
    public var score: ScoreShaping

    /// A shaping with TRL's defaults.
    public init(estimator: KLEstimator = .k1, score: ScoreShaping = ScoreShaping()) {
        (self.estimator, self.score) = (estimator, score)
    }

    /// The score after clipping and the penalty for a missing end.
    public func finalScore(_ score: Double, endsWithEOS: Bool) -> Double {
        self.score.final(score, endsWithEOS: endsWithEOS)
    }

    /// See ``TokenReward``.
    public func rewards(
        score: Double, endsWithEOS: Bool, logps: [Double], referenceLogps: [Double], coefficient: Double
    ) -> [Double] {
        precondition(!logps.isEmpty, "a response without tokens has no place for its score")
        var rewards = estimator(logps: logps, referenceLogps: referenceLogps).map { -coefficient * $0 }
        rewards[rewards.count - 1] += finalScore(score, endsWithEOS: endsWithEOS)
        return rewards
    }
}
