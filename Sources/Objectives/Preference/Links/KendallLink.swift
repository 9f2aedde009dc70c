import Configuration
import Foundation
import Torch

/// `-log g_q(β h)`, the exact probability of a pair under Mallows' model with Kendall's distance (MallowsPO's φ variant,
/// arXiv 2405.14953), `q = φ^k` with `φ = H̄^c` of the pair's prompt. Experimental: the paper's own smoothing is not known.
///
/// `g_q(s) = (s+1)/(1-q^{s+1}) - s/(1-q^s)` for `s ≥ ε`, `1 - g_q(-s)` for `s ≤ -ε`, and between the odd cubic about ½ of
/// equal value and slope there, for g jumps at 0.
package struct KendallLink: Link {
    package static let name = "mallows_phi"
    private let options: KendallOptions

    package init(_ options: KendallOptions) { self.options = options }

    package var needs: LossNeeds { LossNeeds(referenceEntropies: true, references: 1) }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        let logQ = (batch.meanEntropy.log() * (options.dispersion * Double(options.exponent))).clamped(-50, -1e-4)
        return -Self.logProbability(scores.margin * beta, logQ: logQ, epsilon: options.epsilon)
    }

    /// `log g`, `[n]`.
    package static func logProbability(_ scores: Tensor, logQ: Tensor, epsilon: Double) -> Tensor {
        let (size, edge) = (scores.abs(), Tensor.full(epsilon, scores.shape, scores.placement))
        let outside = size.maximum(edge)
        let losing = Self.losing(outside, logQ)
        let (atEdge, slope) = (Self.losing(edge, logQ), Self.losingSlope(edge, logQ))
        // ½ + a s + b s³ with the value and the slope of g at ε.
        let (value, steepness) = (0.5 - atEdge, -slope)
        let linear = (value * (1.5 / epsilon)) - steepness * 0.5
        let cubic = (steepness - linear) * (1 / (3 * epsilon * epsilon))
        let inside = scores.clamped(-epsilon, epsilon)
        let bridged = inside * linear + inside * inside * inside * cubic + 0.5
        let far = scores.isLess(than: 0).select(losing, 1 - losing)
        return size.isLess(than: epsilon).select(bridged, far).log()
    }

    /// `1 - g(s) = s q^s/(1-q^s) - (s+1) q^{s+1}/(1-q^{s+1})` for `s > 0`, which does not cancel as `1 - g` would.
    private static func losing(_ scores: Tensor, _ logQ: Tensor) -> Tensor {
        term(scores, logQ) - term(scores + 1, logQ)
    }

    /// `s q^s / (1 - q^s)`.
    private static func term(_ scores: Tensor, _ logQ: Tensor) -> Tensor {
        let power = (scores * logQ).exp()
        return scores * power / (1 - power)
    }

    /// The slope of ``losing(_:_:)`` in `s`.
    private static func losingSlope(_ scores: Tensor, _ logQ: Tensor) -> Tensor {
        termSlope(scores, logQ) - termSlope(scores + 1, logQ)
    }

    private static func termSlope(_ scores: Tensor, _ logQ: Tensor) -> Tensor {
        let power = (scores * logQ).exp()
        let rest = 1 - power
        return power / rest + scores * power * logQ / rest.square()
    }
}

/// The form of MallowsPO's φ variant.
package struct KendallOptions: LossOptions {
    package static let block: String? = "mallows_phi"

    /// c, as of ``MallowsOptions``.
    package var dispersion = 0.29
    /// k.
    package var exponent = 1
    /// ε.
    package var epsilon = 1.0

    package init() {}

    package static let fields = Field<Self>.list {
        Field("dispersion", \.dispersion, .greaterThan(0), "c of φ = H^c, as of mallows.dispersion.")
        Field("exponent", \.exponent, .between(1, 2), "k of q = φ^k: 1 for P ∝ φ^inversions, 2 for Mallows' own φ.")
        Field("epsilon", \.epsilon, .greaterThan(0), "Below which difference of rewards the probability is smoothed.")
    }
}
