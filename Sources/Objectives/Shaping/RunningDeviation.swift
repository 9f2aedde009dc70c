/// Scales scores by the deviation of all so far, so that their size is the same from reward to reward and while it grows (trlx's
/// `scale_reward: running`, which APA trains with).
public struct RunningDeviation: Codable, Sendable, Equatable {
    private var moments = Moments()

    /// Of no scores.
    public init() {}

    /// Takes in a step's scores.
    public mutating func add(_ scores: Moments) { moments.merge(scores) }

    /// What a score is divided by: the deviation of all scores so far (Bessel); 1 while they are all the same.
    public var scale: Double {
        // What rounding leaves of a difference of squares is no deviation.
        guard moments.variance > 1e-12 * moments.squares / max(1, moments.count) else { return 1 }
        return moments.sampleDeviation
    }
}
