import Torch

/// Low-rank matrices beside the weight W of a linear layer: `y = W x + s B A x` (Hu et al. 2021, arXiv 2106.09685).
struct LinearAdapter {
    /// A, B and s.
    let factors: LowRankFactors
    /// The lengths m of the rows of `W + s B A`, trained apart from where these point (DoRA, Liu et al. 2024, arXiv 2402.09353,
    /// equation 5): the layer is `m / |W + s B A|` times as much, and no gradient goes through that norm (4.3).
    let magnitude: Tensor?
    /// Sets the noise of its dropout apart from other layers'.
    let salt: UInt64

    /// What the layer gives with its adapter.
    func callAsFunction(_ input: Tensor, beside linear: Linear, _ dropout: LowRankDropout?) -> Tensor {
        let sum = { (bias: Tensor?) -> Tensor in
            switch linear.weight {
            case .whole(let weight, let transposed):
                input.linear(
                    weight, bias: bias, transposed: transposed, adding: factors, dropout: dropout?.salted(salt))
            case .quantized(let weight):
                input.linear(weight, bias: bias, adding: factors, dropout: dropout?.salted(salt))
            }
        }
        guard let magnitude else { return sum(linear.bias) }
        let lengths = withoutGradients { rowLengths(beside: linear.weight.matrix) }
        let scaled = sum(nil) * (magnitude / lengths).converted(to: input.type)
        return linear.bias.map { scaled + $0.converted(to: input.type) } ?? scaled
    }

    /// The weight `[outputs, inputs]` that does the same by itself, summed in float32.
    func merged(into weight: Tensor) -> Tensor {
        withoutGradients {
            let sum = weight.converted(to: .float32) + factors.product
            guard let magnitude else { return sum }
            return sum * (magnitude / lengths(of: sum)).unsqueezed(1)
        }
    }

    /// The same of a weight that may be `[inputs, outputs]`, in its own layout.
    func merged(into weight: Tensor, isTransposed: Bool) -> Tensor {
        guard isTransposed else { return merged(into: weight) }
        return merged(into: weight.transposed(0, 1)).transposed(0, 1).contiguous()
    }

    /// `|W + s B A|` by rows, `[outputs]`.
    func rowLengths(beside weight: Tensor) -> Tensor {
        lengths(of: weight.converted(to: .float32) + factors.product)
    }

    private func lengths(of matrix: Tensor) -> Tensor { matrix.square().sum(1).squareRoot() }
}

extension LowRankDropout {
    /// The same for a layer whose noise is its own.
    fileprivate func salted(_ salt: UInt64) -> LowRankDropout {
        LowRankDropout(share: share, streams: streams + Tensor([Int64(bitPattern: salt)], on: streams.device))
    }
}
