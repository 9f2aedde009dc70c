import Foundation

/// PM-RLHF's conditional preference matching (arXiv 2405.16455; `JiancongXiao/PM_RLHF`): a token's penalty is its
/// log-probability where the reference finds it likely, π_ref > α, and its log-ratio to the reference elsewhere; so where
/// the reference is sure of itself the policy keeps entropy in place of the reference's choice.
///
/// α = 1 is the plain KL penalty, α near 0 an entropy bonus of weight β.
package struct PreferenceMatchingReward: TokenReward, Equatable {
    /// α.
    package var threshold: Double
    /// Clipping, and the penalty for a missing end.
    package var score: ScoreShaping

    package init(threshold: Double = 0.3, score: ScoreShaping = ScoreShaping()) {
        precondition((0...1).contains(threshold), "a threshold of \(threshold)")
        (self.threshold, self.score) = (threshold, score)
    }

    package func finalScore(_ score: Double, endsWithEOS: Bool) -> Double {
        self.score.final(score, endsWithEOS: endsWithEOS)
    }

    package func rewards(
        score: Double, endsWithEOS: Bool, logps: [Double], referenceLogps: [Double], coefficient: Double
    ) -> [Double] {
        precondition(!logps.isEmpty, "a response without tokens has no place for its score")
        let bound = log(threshold)
        var rewards = zip(logps, referenceLogps).map { logp, reference in
            -coefficient * (reference > bound ? logp : logp - reference)
        }
        rewards[rewards.count - 1] += finalScore(score, endsWithEOS: endsWithEOS)
        return rewards
    }
}
