import Runs

/// Several sources of reward, whose scores are added with weights.
package final class MixedScorer: Scorer {
    private let scorers: [any Scorer]
    private let weights: [Double]

    package init(_ scorers: [any Scorer], weights: [Double]) {
        precondition(scorers.count == weights.count, "\(weights.count) weights of \(scorers.count) rewards")
        (self.scorers, self.weights) = (scorers, weights)
    }

    package func scores(_ items: [ScoredItem]) throws -> [Double] { try parts(items).map(sum) }

    /// What each source says of each item.
    package func parts(_ items: [ScoredItem]) throws -> [[Double]] {
        let all = try scorers.map { try $0.scores(items) }
        return items.indices.map { item in all.map { $0[item] } }
    }

    /// The score that parts make.
    package func sum(_ parts: [Double]) -> Double { zip(parts, weights).reduce(0) { $0 + $1.0 * $1.1 } }
}
