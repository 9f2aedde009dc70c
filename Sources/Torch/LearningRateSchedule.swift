import Foundation

/// How the learning rate goes over a stage: a linear warm-up, then a decay to zero, as in transformers.
public struct LearningRateSchedule: Sendable, Equatable {
    /// The form of the decay after warm-up.
    public enum Decay: String, Sendable, CaseIterable, Codable {
        /// No decay.
        case constant
        /// A straight line to zero at the last step.
        case linear
        /// Half a cosine to zero at the last step.
        case cosine
    }

    /// The rate at the end of warm-up.
    public var peak: Double
    /// Steps of warm-up.
    public var warmupSteps: Int
    /// Steps in all.
    public var totalSteps: Int
    /// The form of the decay.
    public var decay: Decay

    /// A schedule over `totalSteps`.
    public init(peak: Double, warmupSteps: Int, totalSteps: Int, decay: Decay) {
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
        self.decay = decay
    }

    /// The rate of a step, counted from 0.
    public func rate(at step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
        let progress = Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps))
        switch decay {
        case .constant: return peak
        case .linear: return peak * max(0, 1 - progress)
        case .cosine: return peak * max(0, 0.5 * (1 + cos(.pi * min(1, progress))))
        }
    }
}
