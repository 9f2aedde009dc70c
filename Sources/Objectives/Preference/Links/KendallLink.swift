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

    package var isOfMargin: Bool { true }

    package init(_ options: KendallOptions) { self.options = options }

    package var needs: LossNeeds { LossNeeds(referenceEntropies: true, references: 1) }

    package func callAsFunction(_ scores: PairScores, beta: Double, in batch: PairBatch) -> Tensor {
        // A number a pair: in float64 nothing of it cancels or underflows.
        let logQ = batch.meanEntropy.converted(to: .float64).log() * (options.dispersion * Double(options.exponent))
        let margin = scores.margin.converted(to: .float64) * beta
        let losses = -Self.logProbability(margin, logQ: logQ.clamped(-50, -1e-4), epsilon: options.epsilon)
        return losses.converted(to: scores.margin.type)
    }

    /// `log g`, `[n]`.
    ///
    /// - Parameters:
    ///   - scores: float64 `[n]`.
    ///   - logQ: `ln q`, below 0.
    package static func logProbability(_ scores: Tensor, logQ: Tensor, epsilon: Double) -> Tensor {
        let (size, edge) = (scores.abs(), Tensor.full(epsilon, scores.shape, scores.placement))
        let outside = size.maximum(edge)
        let (logLosing, atEdge) = (Self.logLosing(outside, logQ), Self.logLosing(edge, logQ).exp())
        // ½ + a s + b s³ with the value and the slope of g at ε.
        let (value, steepness) = (0.5 - atEdge, -Self.losingSlope(edge, logQ))
        let linear = (value * (1.5 / epsilon)) - steepness * 0.5
        let cubic = (steepness - linear) * (1 / (3 * epsilon * epsilon))
        let inside = scores.clamped(-epsilon, epsilon)
        let bridged = (inside * linear + inside * inside * inside * cubic + 0.5).log()
        let far = scores.isLess(than: 0).select(logLosing, (1 - logLosing.exp()).log())
        return size.isLess(than: epsilon).select(bridged, far)
    }

    /// `log (1 - g(s)) = s ln q + log (s/(1-q^s) - (s+1) q/(1-q^{s+1}))` for `s > 0`, which neither cancels nor underflows.
    private static func logLosing(_ scores: Tensor, _ logQ: Tensor) -> Tensor {
        let more = scores + 1
        return scores * logQ
            + (scores / (1 - (scores * logQ).exp()) - more * logQ.exp() / (1 - (more * logQ).exp())).log()
    }

    /// The slope of `1 - g` in `s`.
    private static func losingSlope(_ scores: Tensor, _ logQ: Tensor) -> Tensor {
        termSlope(scores, logQ) - termSlope(scores + 1, logQ)
    }

    /// That of `s q^s / (1 - q^s)`.
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
        Field(
            "epsilon", \.epsilon, .aboveZero(upTo: 1e3),
            "Below which difference of rewards the probability is smoothed.")
    }
}
