import Objectives

/// Rewards a token that come from outside the sources: the score up to 1, on the first one.
struct ToyTokenReward: TokenReward {
    func finalScore(_ score: Double, endsWithEOS: Bool) -> Double { min(1, score) }

    func rewards(
        score: Double, endsWithEOS: Bool, logps: [Double], referenceLogps: [Double], coefficient: Double
    ) -> [Double] {
        [finalScore(score, endsWithEOS: endsWithEOS)] + Array(repeating: 0, count: logps.count - 1)
    }
}
