import Torch

/// A projection.
struct Linear {
    let weight: Weight
    let bias: Tensor?
    /// What is trained beside the weight.
    var adapter: LinearAdapter?
    /// A copy of the weight, its adapter merged into it, that takes its place in passes without gradients.
    var packed: PackedWeight?

    /// How its weight lies.
    enum Weight {
        /// In the layout of its checkpoint: `[out, in]`, or `[in, out]` where it is transposed, as GPT-2's are.
        case whole(Tensor, transposed: Bool)
        /// Frozen, in 8 bits.
        case quantized(QuantizedWeight)

        /// As `[out, in]`.
        var matrix: Tensor {
            switch self {
            case .whole(let weight, let transposed): transposed ? weight.transposed(0, 1) : weight
            case .quantized(let weight): weight.numbers()
            }
        }
    }

    func callAsFunction(_ input: Tensor, _ dropout: LowRankDropout?) -> Tensor {
        if let packed { return input.linear(packed, bias: bias) }
        if let adapter { return adapter(input, beside: self, dropout) }
        return switch weight {
        case .whole(let weight, transposed: true): input.linearTransposed(weight, bias: bias)
        case .whole(let weight, transposed: false): input.linear(weight, bias: bias)
        case .quantized(let weight): input.linear(weight, bias: bias)
        }
    }
}
