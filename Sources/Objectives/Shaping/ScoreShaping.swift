/// What becomes of a response's score before it is its last token's reward.
public struct ScoreShaping: Sendable, Equatable {
    /// Scores are bounded to ± this; `nil` leaves them.
    public var clip: Double?
    /// Subtracted, after clipping, from the score of a response that did not end by itself.
    public var missingEOSPenalty: Double

    /// A shaping with TRL's defaults.
    public init(clip: Double? = nil, missingEOSPenalty: Double = 0) {
        precondition(clip.map { $0 > 0 } ?? true, "reward clip \(clip ?? 0)")
        (self.clip, self.missingEOSPenalty) = (clip, missingEOSPenalty)
    }

    /// The score as it counts.
    public func final(_ score: Double, endsWithEOS: Bool) -> Double {
        let bounded = clip.map { min(max(score, -$0), $0) } ?? score
        return endsWithEOS ? bounded : bounded - missingEOSPenalty
    }
}
