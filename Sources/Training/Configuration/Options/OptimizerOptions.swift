import Torch

/// AdamW, its schedule and gradient clipping.
public struct OptimizerOptions: Sendable, Equatable {
    /// The peak learning rate.
    public var learningRate: Double
    /// Decoupled weight decay.
    public var weightDecay = 0.0
    /// Decay rate of the first moment.
    public var adamBeta1 = 0.9
    /// Decay rate of the second moment.
    public var adamBeta2 = 0.999
    /// Added to the root of the second moment.
    public var adamEpsilon = 1e-8
    /// The norm that gradients are scaled down to; 0 leaves them.
    public var maxGradNorm = 1.0
