import CTorch

/// A copy of a weight in the layout that products of few rows read fastest; it does not follow changes of the weight.
///
/// A row's product with it has the same bits whatever other rows there are, and however many: those of ``Tensor/linear(_:bias:)``
/// with the weight itself.
public struct PackedWeight {
    fileprivate let panels: Tensor
    /// How many numbers a product gives a row.
    public let outputs: Int

    /// Packs weights `[outputs, inputs]`, which may be transposed views, one behind the other in one piece of memory.
    public static func pack(_ weights: [Tensor]) -> [PackedWeight] {
        let shapes = weights.map { [($0.shape[0] + lanes - 1) / lanes, $0.shape[1], lanes] }
        let counts = shapes.map { $0.reduce(1, *) }
        let memory = tensor("packed weights") { ct_empty_large(Int64(counts.reduce(0, +)), $0) }
        var end = 0
        return zip(weights, zip(shapes, counts)).map { weight, place in
            let panels = memory.narrowed(0, end..<end + place.1).reshaped(place.0)
            end += place.1
            perform("pack", weight) { ct_pack(weight.handle, panels.handle) }
            return PackedWeight(panels: panels, outputs: weight.shape[0])
        }
    }

    private static let lanes = Int(CT_PANEL_WIDTH)
}

extension Tensor {
    /// `self [rows, inputs]` by a packed weight, plus `bias [outputs]`; without gradient.
    public func linear(_ weight: PackedWeight, bias: Tensor? = nil) -> Tensor {
        tensor("packed linear", self, weight.panels, bias) {
            ct_linear_packed(handle, weight.panels.handle, Int64(weight.outputs), bias?.handle, $0)
        }
    }
}
