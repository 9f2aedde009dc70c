import Foundation

/// Estimators of KL(policy ‖ reference) from the log-ratio `x = log π - log π_ref` of a token sampled from the policy
/// (Schulman 2020, "Approximating KL Divergence").
public enum KLEstimator: String, Sendable, CaseIterable, Codable {
    /// `x`: unbiased; single tokens may be negative.
    case k1
    /// `x² / 2`: biased, low variance, never negative.
    case k2
    /// `e⁻ˣ - 1 + x`: unbiased, never negative.
    case k3
    /// `max(x, 0)`: the penalty of the MPO authors' code; biased upwards, it leaves alone tokens that became less
    /// likely.
    case clampedK1 = "k1_clamped"

    /// The estimate for one token.
    public func callAsFunction(_ logRatio: Double) -> Double {
        switch self {
        case .k1: logRatio
        case .k2: logRatio * logRatio / 2
        case .k3: exp(-logRatio) - 1 + logRatio
        case .clampedK1: max(logRatio, 0)
        }
    }

    /// The estimates for the tokens of a response.
    public func callAsFunction(logps: [Double], referenceLogps: [Double]) -> [Double] {
        precondition(logps.count == referenceLogps.count, "\(logps.count) and \(referenceLogps.count) tokens")
        return zip(logps, referenceLogps).map { self($0 - $1) }
    }
}
