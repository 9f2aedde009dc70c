import CTorch

/// A copy of a weight in the layout that products of few rows read fastest; it does not follow changes of the weight.
///
/// By the kernels of the CPU, a row's product with it has the same bits whatever other rows there are, and however many: those
/// of ``Tensor/linear(_:bias:)`` with the weight itself.
public final class PackedWeight {
    fileprivate let handle: OpaquePointer
    /// How many numbers a product gives a row.
    public let outputs: Int

    private init(owning handle: OpaquePointer, outputs: Int) {
        self.handle = handle
        self.outputs = outputs
    }

    deinit { ct_packed_weight_free(handle) }

    /// Packs weights `[outputs, inputs]` of one type, which may be transposed views, one behind the other.
    public static func pack(_ weights: [Tensor]) -> [PackedWeight] {
        var packed = [OpaquePointer?](repeating: nil, count: weights.count)
        let handles = weights.map { Optional($0.handle) }
        guard ct_pack(handles, handles.count, &packed) == 0 else { fail("pack", weights) }
        return zip(weights, packed).map { weight, handle in
            guard let handle else { fail("pack", [weight]) }
            return PackedWeight(owning: handle, outputs: weight.shape[0])
        }
    }
}

extension Tensor {
    /// `self [rows, inputs]` by a packed weight, plus `bias [outputs]`; without gradient.
    public func linear(_ weight: PackedWeight, bias: Tensor? = nil) -> Tensor {
        tensor("packed linear", self, bias) { ct_linear_packed(handle, weight.handle, bias?.handle, $0) }
    }

    /// The same for logits, which half-precision numbers give in float32.
    public func logits(_ weight: PackedWeight) -> Tensor {
        tensor("logits", self) { ct_logits(handle, weight.handle, $0) }
    }
}
