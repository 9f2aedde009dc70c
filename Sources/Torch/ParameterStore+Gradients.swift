import CTorch

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
        Self.norm(
            ofGroups: trained.map { group in
                guard let gradients = group.gradients else {
                    preconditionFailure("parameters that are not trainable have no gradients")
                }
                return gradients.norm()
            })
    }

    /// The same norm from the sums of squares of all ``squareBlocks``, in their order: the same bits, on the CPU.
    public func gradientNorm(squareSums: [Double]) -> Double {
        var rest = squareSums[...]
        return Self.norm(
            ofGroups: trained.map { group in
                let count = Self.squareBlocks(of: group.count)
                defer { rest = rest.dropFirst(count) }
                return rest.prefix(count).reduce(0, +).squareRoot()
            })
    }

    /// Scales all gradients as ``clipFactor(maxNorm:norm:)`` says.
    ///
    /// - Returns: the factor they were multiplied by.
    @discardableResult
    public func clipGradients(maxNorm: Double, norm: Double) -> Double {
        let factor = Self.clipFactor(maxNorm: maxNorm, norm: norm)
        if factor < 1 { for group in trained { group.gradients?.scale(by: factor) } }
        return factor
    }

    /// What clipping multiplies gradients with: `min(1, maxNorm / (norm + 1e-6))`, as `clip_grad_norm_` of PyTorch has it.
    ///
    /// - Parameters:
    ///   - maxNorm: the largest norm they may keep.
    ///   - norm: their norm, from ``gradientNorm()``; it must be finite.
    public static func clipFactor(maxNorm: Double, norm: Double) -> Double {
        precondition(maxNorm > 0 && norm.isFinite, "clipping gradients of norm \(norm) to \(maxNorm)")
        return min(1, maxNorm / (norm + 1e-6))
    }

    private static func norm(ofGroups norms: [Double]) -> Double {
        norms.count == 1 ? norms[0] : norms.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}

/// Gradients that are divided over ranks by blocks of elements, whose squares are summed each by itself: so a norm of all has
/// the same bits for any number of ranks.
extension ParameterStore {
    /// The blocks of the trained groups' elements, one group's after another's, each group's from its first element on.
    public var squareBlocks: [Range<Int>] {
        let length = Int(ct_square_block())
        var start = 0
        return trained.flatMap { group in
            defer { start += group.count }
            return stride(from: 0, to: group.count, by: length).map {
                start + $0..<start + min($0 + length, group.count)
            }
        }
    }

    /// Divides the elements of the trained groups into `parts` slices of whole blocks and nearly one length; some are empty where
    /// there are fewer blocks.
    public func slicesOfBlocks(_ parts: Int) -> [Range<Int>] {
        precondition(parts > 0, "parameters in \(parts) slices")
        let blocks = squareBlocks
        var bounds = [0]
        var block = 0
        for part in 1..<parts {
            let wanted = trainedCount * part / parts
            while block < blocks.count, wanted - blocks[block].lowerBound > blocks[block].count / 2 { block += 1 }
            bounds.append(block < blocks.count ? blocks[block].lowerBound : trainedCount)
        }
        return zip(bounds, bounds.dropFirst() + [trainedCount]).map { $0..<$1 }
    }

    /// The sums of squares of the blocks that a slice is made of, from its gradients, in order.
    public func squareSums(of gradients: Tensor, in slice: Range<Int>) -> [Double] {
        precondition(gradients.count == slice.count, "\(gradients.count) gradients of a slice of \(slice.count)")
        var start = 0
        return parts(of: slice).flatMap { _, elements in
            defer { start += elements.count }
            return gradients.narrowed(0, start..<start + elements.count).squareSums()
        }
    }

    private static func squareBlocks(of count: Int) -> Int {
        let length = Int(ct_square_block())
        return (count + length - 1) / length
    }
}

extension Tensor {
    /// The sums of the squares of blocks of elements, in float64.
    fileprivate func squareSums() -> [Double] {
        let length = Int(ct_square_block())
        var sums = [Double](repeating: 0, count: (count + length - 1) / length)
        sums.withUnsafeMutableBufferPointer { sums in
            perform("square sums", self) { ct_square_sums(handle, sums.baseAddress) }
        }
        return sums
    }
}
