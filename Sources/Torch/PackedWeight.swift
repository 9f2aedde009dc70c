import CTorch

/// A copy of a weight in the layout that products of few rows read fastest; it does not follow changes of the weight.
///
/// A row's product with it has the same bits whatever other rows there are, and however many; a general matrix product's
/// last bits depend on how many rows it has.
public final class PackedWeight {
    fileprivate let panels: Tensor
    /// How many numbers a product gives a row.
    public let outputs: Int

    /// Packs a weight `[outputs, inputs]`, which may be a transposed view.
    public init(_ weight: Tensor) {
        panels = tensor("pack", weight) { ct_pack(weight.handle, $0) }
        outputs = weight.shape[0]
    }
}

extension Tensor {
    /// `self [rows, inputs]` by a packed weight, plus `bias [outputs]`; without gradient.
    public func linear(_ weight: PackedWeight, bias: Tensor? = nil) -> Tensor {
        tensor("packed linear", self, weight.panels, bias) {
            ct_linear_packed(handle, weight.panels.handle, Int64(weight.outputs), bias?.handle, $0)
        }
    }
}
