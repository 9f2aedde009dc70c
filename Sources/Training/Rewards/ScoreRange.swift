import Runs

/// What a score may be, wherever it comes from: finite, and small enough for what is computed with it.
package enum ScoreRange {
    /// PPO squares returns in float32, which ends at 3.4e38, and sums the squares of gradients that grow with them.
    package static let largest = 1e12

    /// What is wrong with a score, in words that follow "the score"; `nil` for nothing.
    package static func fault(of score: Double) -> String? {
        guard score.isFinite else { return "is not finite" }
        return abs(score) > largest ? "is too large to compute with (beyond 1e12)" : nil
    }
}
