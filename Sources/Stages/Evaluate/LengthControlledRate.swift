import Foundation

/// The win rate that a policy would have if its responses were as long as the other's, by a logistic regression of the outcome on
/// the difference in length, as AlpacaEval 2 does it (Dubois et al., arXiv 2404.04475).
///
/// With y the outcome of a comparison (1, 1/2 or 0) and d the policy's length less the other's, divided by the root of the mean
/// square of all such differences, P(win) = σ(a + b d), and the rate is σ(a). a and b make
/// Σ (y log p + (1 - y) log(1 - p)) - b² / 2 largest: the last term, a standard normal prior of b alone, keeps it finite where
/// length tells wins from losses without a miss.
package struct LengthControlledRate: Sendable, Equatable {
    /// σ(a); where all outcomes are wins, or all losses, what they are.
    package let rate: Double
    /// b: above 0 where the longer response wins.
    package let slope: Double

    /// - Parameters:
    ///   - outcomes: 1 for a win, 1/2 for a tie, 0 for a loss.
    ///   - differences: How much longer the policy's response is than the other's.
    package init(outcomes: [Double], differences: [Double]) {
        precondition(outcomes.count == differences.count && !outcomes.isEmpty, "a difference an outcome")
        if let all = outcomes.first, all != 0.5, outcomes.allSatisfy({ $0 == all }) {
            (rate, slope) = (all, 0)
            return
        }
        let scale = (differences.reduce(0) { $0 + $1 * $1 } / Double(differences.count)).squareRoot()
        let scaled = differences.map { scale > 0 ? $0 / scale : 0 }
        var (a, b) = (0.0, 0.0)
        for _ in 0..<Self.mostSteps {
            let step = Self.step(a, b, outcomes, scaled)
            // No step is longer than 1, so that none leaps past.
            let size = max(1, hypot(step.a, step.b))
            (a, b) = (a - step.a / size, b - step.b / size)
            if hypot(step.a, step.b) < 1e-12 { break }
        }
        (rate, slope) = (Self.sigmoid(a), b)
    }

    private static let mostSteps = 200

    /// Newton's step of the negated log posterior.
    private static func step(_ a: Double, _ b: Double, _ outcomes: [Double], _ lengths: [Double]) -> (
        a: Double, b: Double
    ) {
        var gradient = (a: 0.0, b: b)
        var (aa, ab, bb) = (0.0, 0.0, 1.0)
        for (outcome, length) in zip(outcomes, lengths) {
            let probability = sigmoid(a + b * length)
            let weight = probability * (1 - probability)
            gradient.a += probability - outcome
            gradient.b += (probability - outcome) * length
            aa += weight
            ab += weight * length
            bb += weight * length * length
        }
        let determinant = aa * bb - ab * ab
        guard determinant > 0 else { return (0, 0) }
        return (
            (bb * gradient.a - ab * gradient.b) / determinant, (aa * gradient.b - ab * gradient.a) / determinant
        )
    }

    private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
