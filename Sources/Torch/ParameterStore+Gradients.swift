/// What an optimizer step asks of the gradients as a whole.
extension ParameterStore {
    /// Sets all gradients to zero.
    public func clearGradients() {
        for group in trained { group.gradients?.fill(0) }
    }

    /// The Euclidean norm of all gradients, padding being zero; with several groups the root of the sum of their norms'
    /// squares, in float64 and in the order of groups. Not finite if any gradient is not: the one check that a step
    /// needs before it touches the parameters.
    public func gradientNorm() -> Double {
        let norms = trained.map { group in
            guard let gradients = group.gradients else {
                preconditionFailure("parameters that are not trainable have no gradients")
            }
            return gradients.norm()
        }
        return norms.count == 1 ? norms[0] : norms.reduce(0) { $0 + $1 * $1 }.squareRoot()
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
        for group in trained { group.gradients?.scale(by: factor) }
        return factor
    }
}
