/// The KL penalty on every token, the score on the last real one.
///
/// The sum of a response's rewards is its final score minus the coefficient times the sum of its KL estimates.
public struct KLPenalizedReward: TokenReward, Equatable {
    /// What the penalty is made of.
    public var estimator: KLEstimator
    /// Scores are bounded to ± this; `nil` leaves them.
    public var rewardClip: Double?
    /// Subtracted, after clipping, from the score of a response that did not end by itself.
    public var missingEOSPenalty: Double

    /// A shaping with TRL's defaults.
    public init(estimator: KLEstimator = .k1, rewardClip: Double? = nil, missingEOSPenalty: Double = 0) {
        precondition(rewardClip.map { $0 > 0 } ?? true, "reward clip \(rewardClip ?? 0)")
        self.estimator = estimator
        self.rewardClip = rewardClip
        self.missingEOSPenalty = missingEOSPenalty
    }

    /// The score after clipping and the penalty for a missing end.
    public func finalScore(_ score: Double, endsWithEOS: Bool) -> Double {
        let bounded = rewardClip.map { min(max(score, -$0), $0) } ?? score
        return endsWithEOS ? bounded : bounded - missingEOSPenalty
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
