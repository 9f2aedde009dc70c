import CTorch

/// A frozen weight in whole numbers of 8 bits, with a scale for each row: the largest number of a row is 127.
public struct QuantizedWeight {
    /// `[outputs, inputs]` (int8).
    public let values: Tensor
    /// `[outputs]`, in float32.
    public let scales: Tensor

    /// The nearest such numbers to a matrix `[outputs, inputs]`.
    public init(_ matrix: Tensor) {
        var values: OpaquePointer?
        var scales: OpaquePointer?
        guard ct_quantize(matrix.handle, &values, &scales) == 0, let values, let scales else {
            fail("quantize", [matrix])
        }
        (self.values, self.scales) = (Tensor(owning: values), Tensor(owning: scales))
    }

    /// The numbers that it stands for, `[outputs, inputs]`.
    public func numbers(_ type: ScalarType = .float32) -> Tensor {
        tensor("dequantize", values) { ct_dequantize(values.handle, scales.handle, type.code, $0) }
    }
}

extension Tensor {
    /// `self [n, in]` by a quantized weight, plus `bias [out]` and what thin matrices add. Its numbers are there only while they are
    /// multiplied, here and in the backward pass.
    public func linear(
        _ weight: QuantizedWeight, bias: Tensor?, adding factors: LowRankFactors? = nil, dropout: LowRankDropout? = nil
    ) -> Tensor {
        tensor("quantized linear", self, weight.values, weight.scales, bias) {
            ct_linear_frozen(
                handle,
                ct_frozen_weight(values: weight.values.handle, scales: weight.scales.handle, transposed: false),
                bias?.handle, factors?.code(dropout) ?? ct_low_rank(), $0)
        }
    }
}
