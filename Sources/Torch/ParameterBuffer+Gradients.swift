import CTorch

/// What an optimizer step asks of the gradients as a whole.
extension ParameterBuffer {
    /// The Euclidean norm of all gradients, padding being zero. Not finite if any gradient is not: the one check that a step
    /// needs before it touches the parameters.
    public func gradientNorm() -> Double {
        precondition(gradients != nil, "parameters that are not trainable have no gradients")
        return gradients?.norm() ?? 0
    }

    /// Scales all gradients by `min(1, maxNorm / (norm + 1e-6))`, as `clip_grad_norm_` of PyTorch does.
    ///
    /// - Parameters:
    ///   - maxNorm: the largest norm they may keep.
    ///   - norm: their norm, from ``gradientNorm()``; it must be finite.
    /// - Returns: the factor they were multiplied by.
    @discardableResult
    public func clipGradients(maxNorm: Double, norm: Double) -> Double {
        precondition(maxNorm > 0 && norm.isFinite, "clipping gradients of norm \(norm) to \(maxNorm)")
        let factor = maxNorm / (norm + 1e-6)
        guard factor < 1 else { return 1 }
        gradients?.scale(by: factor)
        return factor
    }
}
