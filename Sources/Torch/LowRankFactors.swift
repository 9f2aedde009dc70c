import CTorch

/// Two thin matrices whose product, times a scale, is added to a frozen weight (LoRA; Hu et al. 2021, arXiv 2106.09685).
public struct LowRankFactors {
    /// `[rank, inputs]`.
    public let down: Tensor
    /// `[outputs, rank]`.
    public let up: Tensor
    /// What their product is multiplied with.
    public let scale: Double

    /// Thin matrices of one rank.
    public init(down: Tensor, up: Tensor, scale: Double) {
        (self.down, self.up, self.scale) = (down, up, scale)
    }

    func code(_ dropout: LowRankDropout?) -> ct_low_rank {
        ct_low_rank(
            down: down.handle, up: up.handle, scale: scale, dropout: dropout?.share ?? 0,
            streams: dropout?.streams.handle)
    }

    /// What is added to a weight `[outputs, inputs]`, in the factors' own type.
    public var product: Tensor { up.matmul(down) * scale }
}

/// Which inputs of thin matrices a pass leaves out. It is a function of a row's stream and the input's place, so it does not
/// depend on the rows beside it.
public struct LowRankDropout {
    /// The share that is left out; what stays grows by it.
    public let share: Double
    /// Of each row a stream of noise, `[rows]` (int64).
    public let streams: Tensor

    /// Dropout of a share by rows' streams.
    public init(share: Double, streams: Tensor) { (self.share, self.streams) = (share, streams) }

    /// That of some rows.
    public func selecting(_ rows: Tensor) -> LowRankDropout {
        LowRankDropout(share: share, streams: streams.selecting(rows))
    }
}

extension Tensor {
    /// ``linear(_:bias:)``, or ``linearTransposed(_:bias:)``, by a frozen weight, plus `scale (dropout(self) downᵀ) upᵀ`.
    public func linear(
        _ weight: Tensor, bias: Tensor?, transposed: Bool, adding factors: LowRankFactors,
        dropout: LowRankDropout? = nil
    ) -> Tensor {
        tensor("low-rank linear", self, weight, factors.down, factors.up) {
            ct_linear_frozen(
                handle, ct_frozen_weight(values: weight.handle, scales: nil, transposed: transposed), bias?.handle,
                factors.code(dropout), $0)
        }
    }
}
